using Sluice.Diagnostics;
using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice.Producers;

internal sealed class PushedSource<T>(Func<Func<T, ValueTask>, CancellationToken, Task> producer, int? capacity, StageOptions options)
    : LeafSource<T>(options)
{
    private protected override string Kind => "pushed";

    private protected override Source<T> With(StageOptions annotated) => new PushedSource<T>(producer, capacity, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next)
        => new PushedPump<T>(context, next, producer, capacity);
}

internal sealed class PushedPump<T>(StageContext context, Inlet<T> next, Func<Func<T, ValueTask>, CancellationToken, Task> producer,
    int? capacity)
    : IntakePump<T>(context, next, capacity)
{
    private readonly TaskCompletionSource produced = new();
    private readonly TaskCompletionSource pushed = new();        // all pushes have ended
    private int pushing = 1;                         // pushes that wait for room, and the function
    private volatile bool hasReturned;               // the function, without a failure
    private bool hasWarned;

    // On another thread if possible: a function that blocks its thread must not delay the items that it has pushed.
    protected override void Open()
    {
        var producing = new Producing(this);
        if (Run.Scheduler.IsSerial) producing.Execute();
        else Run.Scheduler.Schedule(producing);
    }

    /// <summary>Leaves a function behind that ignores its token; the run names it. The run also reports what the function throws after a
    /// stop.</summary>
    protected override async ValueTask CloseAsync()
    {
        if (!await ArrivesAsync(produced.Task) || produced.Task.IsFaulted) LeaveBehind(produced.Task);
    }

    private async Task ProducingAsync()
    {
        try
        {
            await NullTaskException.Check(producer(PushAsync, StopToken));
            hasReturned = true;
            if (!EndPush()) await PushedAsync();
            Close();
        }
        catch (OperationCanceledException) when (IsStopped)
        {
            Close();
        }
        catch (Exception e)
        {
            if (IsStopped) Close();                              // what was pushed goes through, then the run fails
            if (!Close(e))
            {
                produced.SetException(e);
                return;
            }
        }
        produced.SetResult();
    }

    /// <summary>Waits for the pushes that the function has not awaited: it meant to push them.</summary>
    private Task PushedAsync()
    {
        if (!IsStopped) Run.Warn($"The function of the source {Run.NameOf(Node)} does not await all of its pushes: it returned while "
            + "some of them waited for room. The source waits in its place. Await every push.");
        return pushed.Task;
    }

    /// <returns>Whether neither the function nor a push goes on.</returns>
    private bool EndPush()
    {
        if (Interlocked.Decrement(ref pushing) > 0) return false;
        pushed.TrySetResult();
        return true;
    }

    private ValueTask PushAsync(T item) => TryAccept(item) ? default : PushLaterAsync(item);

    private async ValueTask PushLaterAsync(T item)
    {
        Interlocked.Increment(ref pushing);
        try
        {
            // The pushing thread may have a context and block it: only the scheduler of a serial run goes on where it was.
            await AcceptAsync(item).ConfigureAwait(Run.Scheduler.IsSerial);
        }
        catch (System.Threading.Channels.ChannelClosedException closed) when (hasReturned && !IsStopped)
        {
            string late = $"The function of the source {Run.NameOf(Node)} has returned, so the source has ended: what is pushed afterwards "
                + "is not accepted. Let it return a task that ends when nothing more is to be pushed.";
            if (!Interlocked.Exchange(ref hasWarned, true)) Run.Warn(late);      // who pushes from an event does not look at the task
            throw new InvalidOperationException(late, closed);
        }
        catch (System.Threading.Channels.ChannelClosedException closed)
        {
            throw new OperationCanceledException("The run wants no more items; this one was not accepted.", closed, StopToken);
        }
        finally
        {
            EndPush();
        }
    }

    private sealed class Producing(PushedPump<T> pump) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            ExecutionContext? outer = pump.Run.Enter();
            _ = pump.ProducingAsync();
            PipelineRun.Leave(outer);
        }
    }
}
