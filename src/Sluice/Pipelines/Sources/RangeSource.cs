using Sluice.Policies;

namespace Sluice.Pipelines;

internal sealed class RangeSource(long start, long count, StageOptions options) : LeafSource<long>(options)
{
    private protected override string Kind => "range";

    private protected override Source<long> With(StageOptions annotated) => new RangeSource(start, count, annotated);

    private protected override SourcePump<long> Pump(StageContext context, Inlet<long> next) => new RangePump(context, next, start, count);
}

internal sealed class RangePump(StageContext context, Inlet<long> next, long start, long count) : SourcePump<long>(context, next)
{
    private readonly long end = unchecked(start + count);        // long.MinValue behind long.MaxValue
    private long position = start;

    protected override async ValueTask ProduceAsync()
    {
        while (true)
        {
            ValueTask pushed = PushSome(out bool ended);
            if (ended) return;
            Flush();
            await pushed;
        }
    }

    // Whether it has ended cannot be told by the push: one that had to wait may be over by the time it is looked at again.
    private ValueTask PushSome(out bool ended)
    {
        ended = false;
        while (position != end && !IsStopped)
        {
            ValueTask pushed = EmitAsync(unchecked(position++));
            if (!pushed.IsCompletedSuccessfully) return pushed;
        }
        ended = true;
        return default;
    }
}
