namespace Sluice.Pipelines;

/// <summary>
/// A broadcast to synchronous sinks only, as one stage: it calls their functions in turn, with one counter for all. A broadcast to four
/// sinks takes
/// 0.65 of the time of Rx (docs/reports/performance.md, scenario <c>broadcast</c>), and 2.9 times as long when each is called as a stage
/// (docs/reports/performance.md, what each fusion saves).
/// </summary>
internal sealed class SinkRun<T> : FanOut<T>, IReportsCounts
{
    // A field for each of the first four: each is a call site of its own, which the runtime profiles and where it inlines the delegate.
    private readonly Action<T> first;
    private readonly Action<T>? second;
    private readonly Action<T>? third;
    private readonly Action<T>? fourth;
    private readonly Action<T>[] others;
    private readonly ActionSinkStage<T>[] sinks;

    public SinkRun(StageContext context, ActionSinkStage<T>[] sinks) : base(context, sinks)
    {
        this.sinks = sinks;
        first = sinks[0].Function;
        second = sinks.ElementAtOrDefault(1)?.Function;
        third = sinks.ElementAtOrDefault(2)?.Function;
        fourth = sinks.ElementAtOrDefault(3)?.Function;
        others = [.. sinks.Skip(4).Select(sink => sink.Function)];
        context.Reporter = this;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        int at = 0;                                  // only written on the way, and never counted up: it has to be in memory, for the catch
        try
        {
            first(item);
            if (second is not null)
            {
                at = 1;
                second(item);
                if (third is not null)
                {
                    at = 2;
                    third(item);
                    if (fourth is not null)
                    {
                        at = 3;
                        fourth(item);
                    }
                }
            }
            if (others.Length > 0) PushToOthers(item, ref at);
        }
        catch (Exception e)
        {
            throw sinks[at].Failure(e, item, ticket);
        }
        ticket?.Settle(Outcome.Completed);
        return default;
    }

    private void PushToOthers(T item, ref int at)
    {
        at = 4;
        foreach (Action<T> other in others)
        {
            other(item);
            at++;
        }
    }

    public void Report(NodeCounts[] counts)
    {
        long count = Volatile.Read(ref Context.In);
        foreach (ActionSinkStage<T> sink in sinks)
        {
            ref NodeCounts node = ref counts[sink.Node];
            node.In += count;
            node.Out += count;                       // less its failures, which its own counters subtract
            count -= node.Failed;
        }
    }
}
