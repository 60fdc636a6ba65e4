using Microsoft.AspNetCore.Http.Features;

namespace Sluice.Dashboard.Serving;

/// <summary>The path of a request as the browser has sent it. A path that was decoded and is encoded again may be another one: <c>%2541</c>
/// becomes <c>%41</c>.</summary>
internal static class SentPath
{
    /// <summary>Finds how the browser has written the end of a path.</summary>
    /// <param name="context">The request.</param>
    /// <param name="end">The end of its path, from a slash on; or nothing.</param>
    public static string Of(HttpContext context, PathString end)
    {
        if (!end.HasValue) return "";
        string sent = (context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "").Split('?')[0];
        int at = sent.Length;
        // The server decodes no slashes, so both have the same number.
        for (int slashes = end.Value.AsSpan().Count('/'); slashes > 0; slashes--)
            if (at == 0 || (at = sent.LastIndexOf('/', at - 1)) < 0) return end.ToUriComponent();
        return sent[at..];
    }
}
