"""Names of industries as LinkedIn's list has them since 2022, and what the same industry was called before.

Most vendors sell one of the two lists. An old name stands beside a new one only where LinkedIn kept the industry and
changed its name, and where both still mean the same: "Consumer Goods" did not become "Manufacturing".
"""

from __future__ import annotations

INDUSTRIES: tuple[str, ...] = tuple(
    """
Abrasives and Nonmetallic Minerals Manufacturing; Accessible Architecture and Design; Accessible Hardware Manufacturing;
Accommodation and Food Services; Accounting; Administration of Justice; Administrative and Support Services;
Advertising Services; Agricultural Chemical Manufacturing; Agriculture, Construction, Mining Machinery Manufacturing;
Air, Water, and Waste Program Management; Airlines and Aviation; Alternative Dispute Resolution;
Alternative Fuel Vehicle Manufacturing; Alternative Medicine; Ambulance Services; Amusement Parks and Arcades;
Animal Feed Manufacturing; Animation and Post-production; Apparel Manufacturing;
Appliances, Electrical, and Electronics Manufacturing; Architectural and Structural Metal Manufacturing;
Architecture and Planning; Armed Forces; Artificial Rubber and Synthetic Fiber Manufacturing; Artists and Writers;
Audio and Video Equipment Manufacturing; Automation Machinery Manufacturing;
Aviation and Aerospace Component Manufacturing; Baked Goods Manufacturing; Banking; Bars, Taverns, and Nightclubs;
Bed-and-Breakfasts, Hostels, Homestays; Beverage Manufacturing; Biomass Electric Power Generation;
Biotechnology Research; Blockchain Services; Blogs; Boilers, Tanks, and Shipping Container Manufacturing;
Book and Periodical Publishing; Book Publishing; Breweries; Broadcast Media Production and Distribution;
Building Construction; Building Equipment Contractors; Building Finishing Contractors;
Building Structure and Exterior Contractors; Business Consulting and Services; Business Content;
Business Intelligence Platforms; Cable and Satellite Programming; Capital Markets; Caterers; Chemical Manufacturing;
Chemical Raw Materials Manufacturing; Child Day Care Services; Chiropractors; Circuses and Magic Shows;
Civic and Social Organizations; Civil Engineering; Claims Adjusting, Actuarial Services;
Clay and Refractory Products Manufacturing; Climate Data and Analytics; Climate Technology Product Manufacturing;
Coal Mining; Collection Agencies; Commercial and Industrial Equipment Rental;
Commercial and Industrial Machinery Maintenance; Commercial and Service Industry Machinery Manufacturing;
Communications Equipment Manufacturing; Community Development and Urban Planning; Community Services; Computer Games;
Computer Hardware Manufacturing; Computer Networking Products; Computer and Network Security;
Computers and Electronics Manufacturing; Conservation Programs; Construction; Construction Hardware Manufacturing;
Consumer Goods Rental; Consumer Services; Correctional Institutions; Cosmetology and Barber Schools; Courts of Law;
Credit Intermediation; Cutlery and Handtool Manufacturing; Dairy Product Manufacturing; Dance Companies;
Data Infrastructure and Analytics; Data Security Software Products; Defense and Space Manufacturing; Dentists;
Design Services; Desktop Computing Software Products; Digital Accessibility Services; Distilleries;
E-Learning Providers;
Economic Programs; Education; Education Administration Programs; Electric Lighting Equipment Manufacturing;
Electric Power Generation; Electric Power Transmission, Control, and Distribution; Electrical Equipment Manufacturing;
Electronic and Precision Equipment Maintenance; Embedded Software Products; Emergency and Relief Services;
Engineering Services; Engines and Power Transmission Equipment Manufacturing; Entertainment Providers;
Environmental Quality Programs; Environmental Services; Equipment Rental Services; Events Services; Executive Offices;
Executive Search Services; Fabricated Metal Products; Facilities Services; Family Planning Centers; Farming;
Farming, Ranching, Forestry; Fashion Accessories Manufacturing; Financial Services; Fine Arts Schools; Fire Protection;
Fisheries; Flight Training; Food and Beverage Manufacturing; Food and Beverage Retail; Food and Beverage Services;
Footwear and Leather Goods Repair; Footwear Manufacturing; Forestry and Logging; Fossil Fuel Electric Power Generation;
Freight and Package Transportation; Fruit and Vegetable Preserves Manufacturing; Fuel Cell Manufacturing; Fundraising;
Funds and Trusts; Furniture and Home Furnishings Manufacturing; Gambling Facilities and Casinos;
Geothermal Electric Power Generation; Glass Product Manufacturing; Glass, Ceramics and Concrete Manufacturing;
Golf Courses and Country Clubs; Government Administration; Government Relations Services; Graphic Design;
Ground Passenger Transportation; Health and Human Services; Higher Education; Highway, Street, and Bridge Construction;
Historical Sites; Holding Companies; Home Health Care Services; Horticulture; Hospitality; Hospitals;
Hospitals and Health Care; Hotels and Motels; Household and Institutional Furniture Manufacturing;
Household Appliance Manufacturing; Household Services; Housing and Community Development; Housing Programs;
Human Resources Services; HVAC and Refrigeration Equipment Manufacturing; Hydroelectric Power Generation;
Individual and Family Services; Industrial Machinery Manufacturing; Industry Associations; Information Services;
Insurance; Insurance Agencies and Brokerages; Insurance and Employee Benefit Funds; Insurance Carriers; Interior Design;
International Affairs; International Trade and Development; Internet Marketplace Platforms; Internet News;
Internet Publishing; Interurban and Rural Bus Services; Investment Advice; Investment Banking; Investment Management;
IT Services and IT Consulting; IT System Custom Software Development; IT System Data Services;
IT System Design Services;
IT System Installation and Disposal; IT System Operations and Maintenance; IT System Testing and Evaluation;
IT System Training and Support; Janitorial Services; Landscaping Services; Language Schools;
Laundry and Drycleaning Services; Law Enforcement; Law Practice; Leasing Non-residential Real Estate;
Leasing Residential Real Estate; Leather Product Manufacturing; Legal Services; Legislative Offices; Libraries;
Lime and Gypsum Products Manufacturing; Loan Brokers; Machinery Manufacturing;
Magnetic and Optical Media Manufacturing; Manufacturing; Maritime Transportation; Market Research; Marketing Services;
Mattress and Blinds Manufacturing; Measuring and Control Instrument Manufacturing; Meat Products Manufacturing;
Media and Telecommunications; Media Production; Medical and Diagnostic Laboratories; Medical Equipment Manufacturing;
Medical Practices; Mental Health Care; Metal Ore Mining; Metal Treatments; Metal Valve, Ball, and Roller Manufacturing;
Metalworking Machinery Manufacturing; Military and International Affairs; Mining; Mobile Computing Software Products;
Mobile Food Services; Mobile Gaming Apps; Motor Vehicle Manufacturing; Motor Vehicle Parts Manufacturing;
Movies and Sound Recording; Movies, Videos, and Sound; Museums; Museums, Historical Sites, and Zoos; Musicians;
Nanotechnology Research; Natural Gas Distribution; Natural Gas Extraction; Newspaper Publishing;
Non-profit Organizations; Nonmetallic Mineral Mining; Nonresidential Building Construction;
Nuclear Electric Power Generation; Nursing Homes and Residential Care Facilities; Office Administration;
Office Furniture and Fixtures Manufacturing; Oil and Coal Product Manufacturing; Oil and Gas; Oil Extraction;
Oil, Gas, and Mining; Online and Mail Order Retail; Online Audio and Video Media; Operations Consulting; Optometrists;
Outpatient Care Centers; Outsourcing and Offshoring Consulting; Packaging and Containers Manufacturing;
Paint, Coating, and Adhesive Manufacturing; Paper and Forest Product Manufacturing; Pension Funds; Performing Arts;
Performing Arts and Spectator Sports; Periodical Publishing; Personal and Laundry Services;
Personal Care Product Manufacturing; Personal Care Services; Pet Services; Pharmaceutical Manufacturing;
Philanthropic Fundraising Services; Photography; Physical, Occupational and Speech Therapists; Physicians;
Pipeline Transportation; Plastics and Rubber Product Manufacturing; Plastics Manufacturing; Political Organizations;
Postal Services; Primary and Secondary Education; Primary Metal Manufacturing; Printing Services;
Professional Organizations;
Professional Services; Professional Training and Coaching; Public Assistance Programs; Public Health;
Public Policy Offices; Public Relations and Communications Services; Public Safety; Racetracks;
Radio and Television Broadcasting; Rail Transportation; Railroad Equipment Manufacturing; Ranching;
Ranching and Fisheries; Real Estate; Real Estate Agents and Brokers; Real Estate and Equipment Rental Services;
Recreational Facilities; Regenerative Design; Religious Institutions; Renewable Energy Equipment Manufacturing;
Renewable Energy Power Generation; Renewable Energy Semiconductor Manufacturing; Repair and Maintenance;
Research Services; Residential Building Construction; Restaurants; Retail; Retail Apparel and Fashion;
Retail Appliances, Electrical, and Electronic Equipment; Retail Art Dealers; Retail Art Supplies;
Retail Books and Printed News; Retail Building Materials and Garden Equipment; Retail Florists;
Retail Furniture and Home Furnishings; Retail Gasoline; Retail Groceries; Retail Health and Personal Care Products;
Retail Luxury Goods and Jewelry; Retail Motor Vehicles; Retail Musical Instruments; Retail Office Equipment;
Retail Office Supplies and Gifts; Retail Pharmacies; Retail Recyclable Materials and Used Merchandise;
Reupholstery and Furniture Repair; Robot Manufacturing; Robotics Engineering; Rubber Products Manufacturing;
Satellite Telecommunications; Savings Institutions; School and Employee Bus Services; Seafood Product Manufacturing;
Secretarial Schools; Securities and Commodity Exchanges; Security and Investigations;
Security Guards and Patrol Services; Security Systems Services; Semiconductor Manufacturing;
Services for Renewable Energy; Services for the Elderly and Disabled; Sheet Music Publishing; Shipbuilding;
Shuttles and Special Needs Transportation Services; Sightseeing Transportation; Skiing Facilities;
Smart Meter Manufacturing; Soap and Cleaning Product Manufacturing; Social Networking Platforms; Software Development;
Solar Electric Power Generation; Sound Recording; Space Research and Technology; Specialty Trade Contractors;
Spectator Sports; Sporting Goods Manufacturing; Sports and Recreation Instruction; Sports Teams and Clubs;
Spring and Wire Product Manufacturing; Staffing and Recruiting; Steam and Air-Conditioning Supply;
Strategic Management Services; Subdivision of Land; Sugar and Confectionery Product Manufacturing;
Surveying and Mapping Services; Taxi and Limousine Services; Technical and Vocational Training;
Technology, Information and Internet; Technology, Information and Media; Telecommunications;
Telecommunications Carriers; Telephone Call Centers; Temporary Help Services; Textile Manufacturing; Theater Companies;
Think Tanks; Tobacco Manufacturing; Translation and Localization; Transportation Equipment Manufacturing;
Transportation Programs; Transportation, Logistics, Supply Chain and Storage; Travel Arrangements; Truck Transportation;
Trusts and Estates; Turned Products and Fastener Manufacturing; Urban Transit Services; Utilities;
Utilities Administration; Utility System Construction; Vehicle Repair and Maintenance;
Venture Capital and Private Equity Principals; Veterinary Services; Vocational Rehabilitation Services;
Warehousing and Storage; Waste Collection; Waste Treatment and Disposal; Water Supply and Irrigation Systems;
Water, Waste, Steam, and Air Conditioning Services; Wellness and Fitness Services; Wholesale;
Wholesale Alcoholic Beverages; Wholesale Apparel and Sewing Supplies;
Wholesale Appliances, Electrical, and Electronics; Wholesale Building Materials;
Wholesale Chemical and Allied Products; Wholesale Computer Equipment; Wholesale Drugs and Sundries;
Wholesale Food and Beverage; Wholesale Footwear; Wholesale Furniture and Home Furnishings;
Wholesale Hardware, Plumbing, Heating Equipment; Wholesale Import and Export; Wholesale Luxury Goods and Jewelry;
Wholesale Machinery; Wholesale Metals and Minerals; Wholesale Motor Vehicles and Parts; Wholesale Paper Products;
Wholesale Petroleum and Petroleum Products; Wholesale Photography Equipment and Supplies; Wholesale Raw Farm Products;
Wholesale Recyclable Materials; Wind Electric Power Generation; Wine and Spirits; Wineries; Wireless Services;
Women's Handbag Manufacturing; Wood Product Manufacturing; Writing and Editing; Zoos and Botanical Gardens
""".replace("\n", " ")
    .strip()
    .split("; ")
)

FORMER_NAMES: dict[str, str] = {
    "Airlines/Aviation": "Airlines and Aviation", "Animation": "Animation and Post-production",
    "Apparel & Fashion": "Retail Apparel and Fashion", "Automotive": "Motor Vehicle Manufacturing",
    "Aviation & Aerospace": "Aviation and Aerospace Component Manufacturing", "Biotechnology": "Biotechnology Research",
    "Broadcast Media": "Broadcast Media Production and Distribution",
    "Building Materials": "Wholesale Building Materials",
    "Chemicals": "Chemical Manufacturing", "Commercial Real Estate": "Leasing Non-residential Real Estate",
    "Computer Hardware": "Computer Hardware Manufacturing", "Computer Networking": "Computer Networking Products",
    "Computer Software": "Software Development", "Consumer Electronics": "Computers and Electronics Manufacturing",
    "Cosmetics": "Personal Care Product Manufacturing", "Dairy": "Dairy Product Manufacturing",
    "Defense & Space": "Defense and Space Manufacturing", "Design": "Design Services",
    "E-Learning": "E-Learning Providers",
    "Education Management": "Education Administration Programs",
    "Electrical/Electronic Manufacturing": "Appliances, Electrical, and Electronics Manufacturing",
    "Entertainment": "Entertainment Providers", "Executive Office": "Executive Offices", "Fishery": "Fisheries",
    "Food & Beverages": "Food and Beverage Services", "Food Production": "Food and Beverage Manufacturing",
    "Fund-Raising": "Fundraising", "Furniture": "Furniture and Home Furnishings Manufacturing",
    "Gambling & Casinos": "Gambling Facilities and Casinos",
    "Glass, Ceramics & Concrete": "Glass, Ceramics and Concrete Manufacturing",
    "Government Relations": "Government Relations Services",
    "Health, Wellness & Fitness": "Wellness and Fitness Services",
    "Hospital & Health Care": "Hospitals and Health Care",
    "Human Resources": "Human Resources Services", "Import & Export": "Wholesale Import and Export",
    "Industrial Automation": "Automation Machinery Manufacturing",
    "Information Technology & Services": "IT Services and IT Consulting",
    "Internet": "Technology, Information and Internet", "Judiciary": "Administration of Justice",
    "Legislative Office": "Legislative Offices", "Leisure, Travel & Tourism": "Travel Arrangements",
    "Logistics & Supply Chain": "Transportation, Logistics, Supply Chain and Storage",
    "Luxury Goods & Jewelry": "Retail Luxury Goods and Jewelry", "Machinery": "Machinery Manufacturing",
    "Management Consulting": "Business Consulting and Services", "Maritime": "Maritime Transportation",
    "Marketing & Advertising": "Advertising Services", "Mechanical or Industrial Engineering":
    "Industrial Machinery Manufacturing", "Medical Devices": "Medical Equipment Manufacturing",
    "Medical Practice": "Medical Practices", "Military": "Armed Forces", "Mining & Metals": "Mining",
    "Motion Pictures & Film": "Movies, Videos, and Sound",
    "Museums & Institutions": "Museums, Historical Sites, and Zoos",
    "Music": "Musicians", "Nanotechnology": "Nanotechnology Research", "Newspapers": "Newspaper Publishing",
    "Nonprofit Organization Management": "Non-profit Organizations",
    "Non-profit Organization Management": "Non-profit Organizations", "Non-profits": "Non-profit Organizations",
    "Oil & Energy": "Oil and Gas", "Online Media": "Online Audio and Video Media",
    "Outsourcing/Offshoring": "Outsourcing and Offshoring Consulting",
    "Package/Freight Delivery": "Freight and Package Transportation",
    "Packaging & Containers": "Packaging and Containers Manufacturing",
    "Paper & Forest Products": "Paper and Forest Product Manufacturing",
    "Pharmaceuticals": "Pharmaceutical Manufacturing",
    "Philanthropy": "Philanthropic Fundraising Services", "Plastics": "Plastics Manufacturing",
    "Political Organization": "Political Organizations", "Printing": "Printing Services",
    "Professional Training": "Professional Training and Coaching", "Public Policy": "Public Policy Offices",
    "Public Relations & Communications": "Public Relations and Communications Services",
    "Publishing": "Book and Periodical Publishing", "Railroad Manufacture": "Railroad Equipment Manufacturing",
    "Recreational Facilities & Services": "Recreational Facilities", "Research": "Research Services",
    "Semiconductors": "Semiconductor Manufacturing", "Sporting Goods": "Sporting Goods Manufacturing",
    "Sports": "Spectator Sports", "Supermarkets": "Retail Groceries", "Textiles": "Textile Manufacturing",
    "Tobacco": "Tobacco Manufacturing", "Transportation/Trucking/Railroad": "Truck Transportation",
    "Venture Capital & Private Equity": "Venture Capital and Private Equity Principals",
    "Veterinary": "Veterinary Services",
    "Warehousing": "Warehousing and Storage", "Wireless": "Wireless Services", "Civic & Social Organization":
    "Civic and Social Organizations", "Education (Primary/Secondary)": "Primary and Secondary Education",
    "Primary/Secondary Education": "Primary and Secondary Education", "Event Services": "Events Services",
    # spellings that other vendors use for the same
    "Information Technology and Service": "IT Services and IT Consulting", "Health Care": "Healthcare",
    "Ecommerce": "E-Commerce", "eCommerce": "E-Commerce", "Nonprofit": "Non-profit Organizations",
    "Non Profit": "Non-profit Organizations", "Not for Profit": "Non-profit Organizations", "Fintech": "FinTech",
    "Financial Technology": "FinTech", "Biotech": "Biotechnology Research", "Pharma": "Pharmaceutical Manufacturing",
    "Telecom": "Telecommunications", "Telecoms": "Telecommunications", "Telco": "Telecommunications",
}  # fmt: skip
