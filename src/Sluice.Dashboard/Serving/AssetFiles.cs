using System.Reflection;
using System.Security.Cryptography;

namespace Sluice.Dashboard.Serving;

/// <summary>The style sheet, the script and the icon, which are inside of the assembly.</summary>
internal static class AssetFiles
{
    private static readonly Dictionary<string, (byte[] Bytes, string Type)> Files = Read();

    /// <summary>Changes whenever one of the files does.</summary>
    public static string Version { get; } = Convert.ToHexString(SHA256.HashData(
        [.. Files.OrderBy(static file => file.Key, StringComparer.Ordinal).SelectMany(static file => file.Value.Bytes)]))[..12];

    public static Task AnswerAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        if (context.Request.RouteValues["file"] is not string name || !Files.TryGetValue(name, out (byte[] Bytes, string Type) file))
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        response.ContentType = file.Type;
        response.ContentLength = file.Bytes.Length;
        response.Headers.CacheControl = context.Request.Query["v"] == Version ? "private, max-age=31536000, immutable" : "no-cache";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask
            : response.Body.WriteAsync(file.Bytes, context.RequestAborted).AsTask();
    }

    private static Dictionary<string, (byte[], string)> Read()
    {
        Assembly assembly = typeof(AssetFiles).Assembly;
        Dictionary<string, (byte[], string)> files = new(StringComparer.Ordinal);
        foreach ((string name, string type) in ((string, string)[])[("dashboard.css", "text/css; charset=utf-8"),
            ("dashboard.js", "text/javascript; charset=utf-8"), ("icon.svg", "image/svg+xml")])
        {
            using Stream stream = assembly.GetManifestResourceStream(name)
                ?? throw new InvalidOperationException($"The assembly {assembly.GetName().Name} lacks its file {name}.");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            files.Add(name, (bytes, type));
        }
        return files;
    }
}
