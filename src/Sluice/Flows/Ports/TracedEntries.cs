using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>Adds values with their traces to batches of entries.</summary>
internal static class TracedEntries
{
    /// <summary>Adds a value; without its trace, if the trace makes the entry too long.</summary>
    /// <exception cref="PayloadException">The value cannot be written, or is too long; nothing was added.</exception>
    public static void Add<T>(EntryBatch to, T value, IPayloadSerializer<T> serializer, EntryTrace? trace)
    {
        if (trace is not null)
        {
            try
            {
                to.Add(serializer, value, default, trace.ToHeaders());
                return;
            }
            catch (PayloadException e) when (e.IsTooLong)
            {
                // Perhaps it fits without.
            }
        }
        to.Add(serializer, value);
    }

    /// <summary>Adds a payload; without its trace, if the trace makes the entry too long.</summary>
    public static void Add(EntryBatch to, ReadOnlySpan<byte> payload, EntryTrace trace)
    {
        byte[] headers = trace.ToHeaders();
        to.Add(payload, default, payload.Length + headers.Length <= to.MaxEntryBytes ? headers : default);
    }
}
