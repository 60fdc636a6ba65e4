using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Sluice.Hosting;

/// <summary>Reads the header <c>Idempotency-Key</c> (draft-ietf-httpapi-idempotency-key-header): a text, with or without quotes.</summary>
internal static class IdempotencyKey
{
    private const string Header = "Idempotency-Key";
    private const int FingerprintLength = 16;        // of a hash; a client that constructs a collision harms only itself

    /// <returns>The key, of this client only if there is a scope; null without the header.</returns>
    /// <exception cref="RefusedException">The header is malformed.</exception>
    public static string? Of(HttpRequest request, Func<HttpContext, string?>? scope)
    {
        StringValues values = request.Headers[Header];
        if (values.Count == 0) return null;
        if (values.Count > 1) throw Malformed("is there several times");
        ReadOnlySpan<char> text = values[0].AsSpan().Trim();
        string key = text is ['"', .. var quoted] ? Unquoted(quoted) : text.ToString();
        if (key.Length is 0 or > SendOptions.MaxKeyLength) throw Malformed($"has {key.Length} characters");
        if (key.AsSpan().ContainsAnyExceptInRange(' ', '~')) throw Malformed("has characters that are not printable ASCII");
        return scope is null ? key : Scoped(key, scope(request.HttpContext) ?? "");
    }

    // Hashed, because a key has a limit. The length of the scope keeps two pairs with equal letters apart.
    private static string Scoped(string key, string scope)
        => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{scope.Length}:{scope}{key}")));

    /// <summary>A hash of the request, by which another request with the same key is recognized.</summary>
    public static byte[] Fingerprint(ReadOnlySequence<byte> body, bool isManyItems)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([isManyItems ? (byte)1 : (byte)0]);
        foreach (ReadOnlyMemory<byte> part in body) hash.AppendData(part.Span);
        return hash.GetHashAndReset()[..FingerprintLength];
    }

    private static string Unquoted(ReadOnlySpan<char> text)
    {
        var key = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                if (at == text.Length - 1) return key.ToString();
                break;
            }
            if (text[at] == '\\' && (++at == text.Length || text[at] is not ('"' or '\\'))) break;
            key.Append(text[at]);
        }
        throw Malformed("has quotes that do not fit");
    }

    private static RefusedException Malformed(string why)
        => new(new(StatusCodes.Status400BadRequest,
        $"The header {Header} {why}. It is a text of 1 to {SendOptions.MaxKeyLength} printable ASCII characters, such as a UUID."));
}
