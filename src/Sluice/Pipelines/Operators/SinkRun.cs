namespace Sluice;

/// <summary>A broadcast to nothing but synchronous sinks: a loop over their functions, with one counter for all.</summary>
internal sealed class SinkRun<T> : FanOut<T>, IReportsCounts
{
    private readonly Action<T>[] functions;
    private readonly ActionSinkStage<T>[] sinks;

    public SinkRun(StageContext context, ActionSinkStage<T>[] sinks) : base(context, sinks)
    {
        this.sinks = sinks;
        functions = Array.ConvertAll(sinks, sink => sink.Function);
        context.Reporter = this;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        Action<T>[] calls = functions;
        int at = 0;
        try
        {
            // Several places of call: the runtime learns for each whom it calls, and calls those directly.
            while (calls.Length - at >= 4)
            {
                calls[at](item);
                calls[++at](item);
                calls[++at](item);
                calls[++at](item);
                at++;
            }
            for (; at < calls.Length; at++) calls[at](item);
        }
        catch (Exception e)
        {
            throw sinks[at].Failure(e, item, ticket);
        }
        ticket?.Settle(Outcome.Completed);
        return default;
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
