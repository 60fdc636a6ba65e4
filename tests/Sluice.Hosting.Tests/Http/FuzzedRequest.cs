using System.Globalization;
using System.Text;

namespace Sluice.Hosting.Tests.Http;

/// <summary>A valid request with random damage.</summary>
internal sealed class FuzzedRequest
{
    private const int LongestItem = 400, LongestBody = 2000, MostItems = 12;

    private static readonly string[] Tokens = ["{", "}", "[", "]", ",", ":", "\"", "null", "true", "1e3", "-", "\\u", "\\ud800", "\0", "\n",
        "\r\n", "//", "﻿", "99999999999", "{\"Id\":", " ", "é"];

    private readonly Random random;

    public FuzzedRequest(Random random)
    {
        this.random = random;
        bool isMany = random.Next(2) == 0;
        byte[] body = Encoding.UTF8.GetBytes(isMany ? string.Concat(Enumerable.Range(0, random.Next(1, 14))
            .Select(_ => Item() + (random.Next(4) == 0 ? "\r\n" : "\n"))) : Item());
        string type = isMany ? "application/x-ndjson" : "application/json";
        int what = random.Next(20);
        if (what < 13)
            for (int times = random.Next(1, 4); times > 0; times--) body = Mutated(body);
        int length = body.Length;
        bool isHeadIntact = true;
        byte[] rest = [];
        switch (what)
        {
            case 13:
                length += random.Next(1, 50);        // more than there is
                isHeadIntact = false;
                break;
            case 14:
                length = random.Next(body.Length);   // less than there is: the rest belongs to no request
                rest = body[length..];
                body = body[..length];
                break;
            case 15:
                type = Flipped(type);
                isHeadIntact = false;
                break;
        }
        string key = random.Next(3) == 0 ? $"Idempotency-Key: {random.NextInt64():x16}{random.NextInt64():x16}\r\n" : "";
        byte[] head = Encoding.Latin1.GetBytes($"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: {type}\r\n{key}Connection: close\r\n");
        if (what is 16 or 17)
        {
            for (int times = random.Next(1, 4); times > 0; times--) head[random.Next(head.Length)] = (byte)random.Next(256);
            isHeadIntact = false;
        }
        bool isChunked = what == 18;
        string framing = isChunked ? "Transfer-Encoding: chunked\r\n\r\n"
            : string.Create(CultureInfo.InvariantCulture, $"Content-Length: {length}\r\n\r\n");
        byte[] framed = isChunked ? Chunked(body, out isHeadIntact) : body;
        Bytes = [.. head, .. Encoding.Latin1.GetBytes(framing), .. framed, .. rest];

        bool fits = body.Length <= LongestBody;
        List<Order>? one = fits && body.Length <= LongestItem ? OrderOracle.Read(body, isMany: false) : null;
        List<Order>? many = fits && Lines(body).All(line => line.Length <= LongestItem) ? OrderOracle.Read(body, isMany: true) : null;
        if (many?.Count > MostItems) many = null;
        IsAcceptable = isHeadIntact && (isMany ? many : one) is not null;
        IsWhole = what != 13 && !(isChunked && !isHeadIntact);
        Meanings = what is 13 ? [] : isHeadIntact ? [isMany ? many : one] : [one, many];
    }

    public byte[] Bytes { get; }

    /// <summary>Whether the body is as long as the request says.</summary>
    public bool IsWhole { get; }

    /// <summary>Whether the server must not refuse it.</summary>
    public bool IsAcceptable { get; }

    /// <summary>The lists of orders that the server may read from it.</summary>
    public List<Order>?[] Meanings { get; }

    private string Item() => random.Next(7) switch
    {
        0 => $$"""{"Id":"{{random.Next(100)}}","Quantity":{{random.Next(-5, 1000)}}}""",
        1 or 2 => $$"""{ "Quantity" : {{random.Next(100)}}, "Id":"{{new string('y', random.Next(random.Next(20) == 0 ? 500 : 30))}}" }""",
        3 => """{"Id":null}""",
        4 => """{"Id":"n","Note":[1,{"x":"\u00e9"}],"Quantity":1}""",
        _ => """{"id":null,"QUANTITY":3}""",
    };

    private byte[] Mutated(byte[] body)
    {
        int at = random.Next(body.Length + 1);
        switch (random.Next(6))
        {
            case 0 when at < body.Length:
                body = [.. body];
                body[at] ^= (byte)(1 << random.Next(8));
                return body;
            case 1:
                return body[..at];
            case 2:
                return [.. body[..at], .. Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)]), .. body[at..]];
            case 3:
                int end = random.Next(at, body.Length + 1);
                return [.. body[..at], .. body[end..]];
            case 4:
                return [.. body[..at], (byte)random.Next(256), .. body[at..]];
            default:
                return body.Length < LongestBody ? [.. body, .. body] : body;
        }
    }

    private string Flipped(string text)
    {
        int at = random.Next(text.Length);
        return random.Next(3) switch
        {
            0 => text[..at],
            1 => text + "; charset=" + (random.Next(2) == 0 ? "utf-8" : "latin1"),
            _ => text[..at] + (char)random.Next(' ', 127) + text[(at + 1)..],
        };
    }

    private byte[] Chunked(byte[] body, out bool isIntact)
    {
        var text = new MemoryStream();
        for (int at = 0; at < body.Length;)
        {
            int length = random.Next(1, body.Length - at + 1);
            text.Write(Encoding.ASCII.GetBytes($"{length:x}\r\n"));
            text.Write(body, at, length);
            text.Write("\r\n"u8);
            at += length;
        }
        int whole = random.Next(3);
        if (whole > 0) text.Write("0\r\n\r\n"u8);    // else its end is missing
        isIntact = whole > 0;
        return text.ToArray();
    }

    private static IEnumerable<byte[]> Lines(byte[] body)
    {
        int start = 0;
        for (int at = 0; at <= body.Length; at++)
        {
            if (at < body.Length && body[at] != '\n') continue;
            int end = at > start && body[at - 1] == '\r' ? at - 1 : at;
            byte[] line = body[start..end];
            start = at + 1;
            if (!Array.TrueForAll(line, one => one is (byte)' ' or (byte)'\t')) yield return line;
        }
    }
}
