using System.Threading.Channels;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Ends the pipeline in a channel, and waits while the channel is full. When the run ends it completes the channel: with the
    /// failure of the run if there is one, and with an <see cref="OperationCanceledException"/> if it was cancelled.</summary>
    public static Pipeline ToChannel<T>(this Source<T> source, ChannelWriter<T> items)
        => NotNull(source).To(new ChannelSink<T>(NotNull(items)));
}

public static partial class Sink
{
    /// <summary>Makes a sink that writes to a channel, and waits while the channel is full. When the run ends it completes the channel:
    /// with the failure of the run if there is one, and with an <see cref="OperationCanceledException"/> if it was cancelled. In a
    /// consecutor a stop completes it without a failure.</summary>
    public static Sink<T> ToChannel<T>(ChannelWriter<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return Sink<T>.Of(new ChannelSink<T>(items));
    }
}

internal sealed class ChannelSink<T>(ChannelWriter<T> items) : Operator<T, Unit>
{
    public override string Kind => "sink";

    public override string Hint => "channel";

    public override bool IsAsynchronous => true;

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next) => new ChannelSinkStage<T>(context, next, items);
}

/// <remarks>Completes the channel with the run and not with its input: several lanes, or branches, may write to one.</remarks>
internal sealed class ChannelSinkStage<T> : Stage<T, Unit>, INodeLifetime
{
    private readonly ChannelWriter<T> items;

    public ChannelSinkStage(StageContext context, Inlet<Unit> next, ChannelWriter<T> items) : base(context, next)
    {
        this.items = items;
        context.Run.Nodes.Add(this);
        context.Run.OnStop.Add(Complete);            // a reader must not wait for code that does not stop
    }

    public ValueTask BeginAsync() => default;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (!items.TryWrite(item)) return WaitAsync(item, ticket);
        return End(ticket);
    }

    public ValueTask DisposeAsync()
    {
        Complete();
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync(T item, Ticket? ticket)
    {
        try
        {
            await items.WriteAsync(item, Context.Token);
        }
        catch (ChannelClosedException) when (Context.Run.IsStopping)
        {
            throw new RunStoppedException();
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        await End(ticket);
    }

    private void Complete()
    {
        PipelineRun run = Context.Run;
        // The run of a consecutor is cancelled at each stop, after its items have ended.
        bool isCancelled = run.IsStopping && run.Options.Following is null;
        items.TryComplete(run.FailureSoFar ?? (isCancelled ? new OperationCanceledException("The run was cancelled.") : null));
    }
}
