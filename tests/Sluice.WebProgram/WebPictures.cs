using Microsoft.AspNetCore.Http;
using Sluice;

namespace Sluice.WebProgram;

/// <summary>A graph whose types are those of ASP.NET Core, for tests of <c>sluice graph</c>.</summary>
internal static class WebPictures
{
    public static Pipeline Requests => Source.From([new DefaultHttpContext()]) | Path | (static _ => { });

    private static string Path(DefaultHttpContext context) => context.Request.Path;
}
