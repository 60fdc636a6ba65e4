using Sluice.Scheduling;

namespace Sluice.Graphs;

/// <summary>A synchronous function with its bound arguments.</summary>
internal delegate T SyncFunction<T>(GraphContext run, CancellationToken cancellation);

/// <summary>Calls a synchronous function on a pool thread, in the execution context of the thread that starts it.</summary>
internal sealed class SyncCall<T> : TaskCompletionSource<T>, IWorkerCall
{
    private readonly SyncFunction<T> function;
    private readonly GraphContext run;
    private readonly CancellationToken cancellation;
    private readonly ExecutionContext? flow = ExecutionContext.Capture();
    private T? result;
    private Exception? problem;

    private SyncCall(SyncFunction<T> function, GraphContext run, CancellationToken cancellation)
        => (this.function, this.run, this.cancellation) = (function, run, cancellation);

    public static ValueTask<T> Start(SyncFunction<T> function, GraphContext run, CancellationToken cancellation)
    {
        var call = new SyncCall<T>(function, run, cancellation);
        PoolWorker.Start(call, run);
        return new(call.Task);
    }

    void IThreadPoolWorkItem.Execute() => PoolWorker.Execute(this, run);

    void IWorkerCall.Call()
    {
        if (flow is null || ReferenceEquals(flow, ExecutionContext.Capture())) CallHere();
        else ExecutionContext.Run(flow, static call => ((SyncCall<T>)call!).CallHere(), this);
    }

    void IWorkerCall.Finish()
    {
        if (problem is null) SetResult(result!);
        else SetException(problem);
    }

    private void CallHere()
    {
        try
        {
            // While the call waited for a thread, the run may have failed, or the time limit of the attempt may be over.
            if (run.IsStopping || cancellation.IsCancellationRequested) throw new OperationCanceledException(cancellation);
            result = function(run, cancellation);
        }
        catch (Exception e)
        {
            problem = e;
        }
    }
}
