using System.Diagnostics;
using System.Text;

namespace Sluice.Diagnostics;

/// <summary>The trace that an entry belongs to: the context of the span that made it, as in W3C Trace Context.</summary>
/// <remarks>
/// Immutable. Stored as two headers: the form (1 byte, 0), trace id (16), span id (8), flags (1); and the <c>tracestate</c>, if there is
/// one. A header is a tag (1 byte), the length (2 bytes, little-endian) and the value. A context that cannot be read is left out: it never
/// harms the item.
/// </remarks>
internal sealed record EntryTrace(ActivityContext Context)
{
    /// <summary>The tag of the header with the context.</summary>
    public const byte Tag = 12;

    /// <summary>The tag of the header with the <c>tracestate</c>.</summary>
    public const byte StateTag = 13;

    /// <summary>The length of the stored context, in bytes. Later forms may be longer.</summary>
    public const int Length = 26;

    /// <summary>The longest <c>tracestate</c> that is stored, in characters; W3C asks for at least 512.</summary>
    public const int MaxState = 512;

    /// <summary>The longest <c>traceparent</c> that is read, in characters. The present version has 55; later ones may be longer.</summary>
    private const int MaxParent = 256;

    /// <summary>The longest headers of a trace (<see cref="ToHeaders"/>), in bytes.</summary>
    public const int MaxHeaders = 3 + Length + 3 + MaxState;

    /// <summary>Reads a context; null if it is damaged.</summary>
    public static EntryTrace? Read(ReadOnlySpan<byte> stored, ReadOnlySpan<byte> state)
    {
        if (stored.Length < Length || stored[0] == byte.MaxValue) return null;
        ReadOnlySpan<byte> trace = stored.Slice(1, 16), span = stored.Slice(17, 8);
        if (!trace.ContainsAnyExcept((byte)0) || !span.ContainsAnyExcept((byte)0)) return null;
        return new(new ActivityContext(ActivityTraceId.CreateFromBytes(trace), ActivitySpanId.CreateFromBytes(span),
            (ActivityTraceFlags)stored[25] & ActivityTraceFlags.Recorded, IsState(state) ? Encoding.ASCII.GetString(state) : null,
            isRemote: true));
    }

    /// <summary>Returns the stored form of the context.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        Context.TraceId.CopyTo(bytes.AsSpan(1, 16));
        Context.SpanId.CopyTo(bytes.AsSpan(17, 8));
        bytes[25] = (byte)(Context.TraceFlags & ActivityTraceFlags.Recorded);
        return bytes;
    }

    /// <summary>Reads a trace that came as text from another process.</summary>
    /// <param name="trace">The W3C <c>traceparent</c>; null if there is none.</param>
    /// <param name="state">The <c>tracestate</c>; null if there is none. One that is too long is left out.</param>
    /// <returns>Null if there is no trace, or one that is too long or damaged.</returns>
    public static EntryTrace? Parse(string? trace, string? state)
        => trace is { Length: <= MaxParent } && ActivityContext.TryParse(trace, state is { Length: <= MaxState } ? state : null,
            isRemote: true, out ActivityContext context) ? new(context) : null;

    /// <summary>The context as a W3C <c>traceparent</c>.</summary>
    public string Parent
        => $"00-{Context.TraceId}-{Context.SpanId}-{(Context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) ? "01" : "00")}";

    /// <summary>Returns the headers of an entry that has no other headers: a value of a flow.</summary>
    public byte[] ToHeaders()
    {
        byte[] state = State is { } text ? Encoding.ASCII.GetBytes(text) : [];
        var headers = new byte[3 + Length + (state.Length == 0 ? 0 : 3 + state.Length)];
        Write(headers, Tag, ToBytes());
        if (state.Length > 0) Write(headers.AsSpan(3 + Length), StateTag, state);
        return headers;
    }

    /// <summary>Reads the trace among the headers of an entry; null if they have none, or a damaged one.</summary>
    public static EntryTrace? FromHeaders(ReadOnlySpan<byte> headers)
    {
        ReadOnlySpan<byte> trace = default, state = default;
        while (headers.Length >= 3)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(headers[1..]);
            if (headers.Length < 3 + length) break;
            if (headers[0] == Tag) trace = headers.Slice(3, length);
            else if (headers[0] == StateTag) state = headers.Slice(3, length);
            headers = headers[(3 + length)..];
        }
        return Read(trace, state);
    }

    /// <summary>The <c>tracestate</c> to store; null if there is none, or it is too long or damaged.</summary>
    public string? State => Context.TraceState is { Length: > 0 } state && IsState(Encoding.UTF8.GetBytes(state)) ? state : null;

    // Printable ASCII; what the parts mean is the matter of those who wrote them.
    private static bool IsState(ReadOnlySpan<byte> state)
        => state.Length is > 0 and <= MaxState && !state.ContainsAnyExceptInRange((byte)0x20, (byte)0x7e);

    private static void Write(Span<byte> to, byte tag, byte[] value)
    {
        to[0] = tag;
        BinaryPrimitives.WriteUInt16LittleEndian(to[1..], (ushort)value.Length);
        value.CopyTo(to[3..]);
    }
}
