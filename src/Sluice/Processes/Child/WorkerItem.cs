using System.Buffers;
using System.Diagnostics;
using Sluice.ChildProcesses;
using Sluice.Diagnostics;

namespace Sluice.Processes;

/// <summary>An item in a worker, from its arrival until none of its parts is outstanding; then its answer is sent.</summary>
/// <remarks>
/// The sink writes results, one at a time. Failures come from any thread; the thread that settles the last part ends the item.
/// </remarks>
internal sealed class WorkerItem(WorkerLink link) : Ticket(isFollowed: true)
{
    private PartFailure? failures;
    private FrameWriter? results;
    private ContinuedSpan? span;

    /// <summary>The span of the item in this process; null if it is not traced.</summary>
    public override Activity? Trace => span?.Activity;

    public long Number { get; private set; }

    /// <summary>The results, each after its length.</summary>
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

    /// <summary>Continues a trace of the parent's.</summary>
    public void Continue(EntryTrace? trace)
    {
        if (trace is not null)
            span = ContinuedSpan.Begin("sluice.function", $"function {link.Body}", ActivityKind.Internal, trace.Context, static () => []);
    }

    /// <summary>Adds a result; called by the sink.</summary>
    /// <exception cref="PayloadException">The result cannot be serialized, or all results together are too large.</exception>
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
        throw new PayloadException(
            $"What has come of the item has more than {link.MaxItemBytes:N0} bytes (ProcessOptions.MaxItemBytes). Make the items smaller, "
                + $"or raise the limit.")
        { IsTooLong = true };
    }

    protected override void Keep(PartFailure failure) => Stacked.Push(ref failures, failure);

    protected override void OnSettled()
    {
        span?.End(Failure?.Cause is { } cause ? cause.InnerException ?? cause : null);
        span = null;
        link.Answer(this);
    }
}
