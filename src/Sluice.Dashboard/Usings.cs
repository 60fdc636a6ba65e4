global using System.Globalization;
global using Microsoft.AspNetCore.Http;
global using Sluice.Dashboard.Html;
global using Sluice.Dashboard.Sampling;
global using Sluice.Dashboard.Serving;
global using Sluice.Diagnostics;
global using Sluice.Storage;
