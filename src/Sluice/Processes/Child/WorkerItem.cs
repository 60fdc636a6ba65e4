using System.Buffers;

namespace Sluice;

/// <summary>An item in a worker, from when it has come until nothing of it is outstanding; then it is answered.</summary>
/// <remarks>Results are written by the sink, one at a time; failures come from any thread; the end is whoever's settles the last part.</remarks>
internal sealed class WorkerItem(WorkerLink link) : Ticket(isFollowed: true)
{
    private PartFailure? failures;
    private FrameWriter? results;

    public long Number { get; private set; }

    /// <summary>What came of it, each with its length in front.</summary>
    public ReadOnlySpan<byte> Results => results is null ? default : results.Memory.Span;

    /// <summary>The first failure; null if there is none.</summary>
    public PartFailure? Failure
    {
        get
        {
            PartFailure? first = failures;
            while (first?.Next is { } earlier) first = earlier;
            return first;
        }
    }

    public void Begin(long number)
    {
        Number = number;
        failures = null;
        results?.Clear();
        Open(number);
    }

    /// <summary>Adds a result. The sink's.</summary>
    /// <exception cref="PayloadException">It cannot be written, or all results together are too long.</exception>
    public void Add<T>(IPayloadSerializer<T> serializer, T result)
    {
        results ??= new();
        int before = results.Length;
        try
        {
            results.WriteSized(serializer, result);
        }
        catch
        {
            results.Truncate(before);
            throw;
        }
        if (results.Length <= link.MaxItemBytes) return;
        results.Truncate(before);
        throw new PayloadException($"What has come of the item has more than {link.MaxItemBytes:N0} bytes (ProcessOptions.MaxItemBytes). Make the items smaller, or raise the limit.") { IsTooLong = true };
    }

    protected override void Keep(PartFailure failure) => Stacked.Push(ref failures, failure);

    protected override void OnSettled() => link.Answer(this);
}
