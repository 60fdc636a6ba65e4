using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Sluice.Hosting;

/// <summary>Reads the format of the body from the headers.</summary>
internal static class BodyFormat
{
    private const string One = "application/json";
    private const string Many = "application/x-ndjson";

    /// <returns>Whether the body has an item in each line; false: the body is one item.</returns>
    /// <exception cref="RefusedException">The content type or the encoding is not supported.</exception>
    public static bool IsManyItems(HttpRequest request)
    {
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity")
            throw new RefusedException(new(StatusCodes.Status415UnsupportedMediaType,
                "The body is encoded (Content-Encoding); send it as it is."));
        if (string.Equals(request.ContentType, One, StringComparison.OrdinalIgnoreCase)) return false;
        if (string.Equals(request.ContentType, Many, StringComparison.OrdinalIgnoreCase)) return true;
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) && IsUtf8(type))
        {
            if (type.MediaType.Equals(One, StringComparison.OrdinalIgnoreCase)) return false;
            if (type.MediaType.Equals(Many, StringComparison.OrdinalIgnoreCase)) return true;
        }
        throw new RefusedException(new(StatusCodes.Status415UnsupportedMediaType,
            $"The Content-Type must be {One} (one item) or {Many} (one in each line), in UTF-8."));
    }

    private static bool IsUtf8(MediaTypeHeaderValue type)
        => !type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase);
}
