using System.Diagnostics;
using System.Text;

namespace Sluice.Delivery;

/// <summary>The trace that an entry belongs to: the context of the span that made it, as in W3C Trace Context.</summary>
/// <remarks>
/// Immutable. Stored as two headers: the form (1 byte, 0), trace id (16), span id (8), flags (1); and the <c>tracestate</c>, if there is
/// one. A context that cannot be read is left out: it never harms the item.
/// </remarks>
internal sealed record EntryTrace(ActivityContext Context)
{
    /// <summary>The length of the stored context, in bytes. Later forms may be longer.</summary>
    public const int Length = 26;

    /// <summary>The longest <c>tracestate</c> that is stored, in characters; W3C asks for at least 512.</summary>
    public const int MaxState = 512;

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

    /// <summary>The <c>tracestate</c> to store; null if there is none, or it is too long or damaged.</summary>
    public string? State => Context.TraceState is { Length: > 0 } state && IsState(Encoding.UTF8.GetBytes(state)) ? state : null;

    // Printable ASCII; what the parts mean is the matter of those who wrote them.
    private static bool IsState(ReadOnlySpan<byte> state)
        => state.Length is > 0 and <= MaxState && !state.ContainsAnyExceptInRange((byte)0x20, (byte)0x7e);
}
