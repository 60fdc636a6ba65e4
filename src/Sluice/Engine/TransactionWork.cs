using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>A function of an item that runs in the transaction of the commit that settles the item, in the execution context of the code
/// that has added it.</summary>
/// <param name="transaction">The type of the transaction that the function takes.</param>
/// <param name="function">The function.</param>
internal sealed class TransactionWork(Type transaction, Func<object, CancellationToken, ValueTask> function)
{
    private readonly ExecutionContext? flow = ExecutionContext.Capture();

    public Type Transaction => transaction;

    public TransactionWork? Next { get; set; }

    /// <summary>Calls the function on another thread, at once: the store limits its time, and all threads of the pool may be
    /// blocked.</summary>
    public ValueTask RunAsync(object given, CancellationToken cancellation)
    {
        var call = new Call(this, given, cancellation);
        BlockingThreads.OfProcess.Schedule(call);
        return new(call.Ended);
    }

    private ValueTask CallAsync(object given, CancellationToken cancellation) => function(given, cancellation);

    private sealed class Call(TransactionWork work, object given, CancellationToken cancellation) : IThreadPoolWorkItem
    {
        private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Ended => ended.Task;

        public void Execute()
        {
            if (work.flow is { } flow) ExecutionContext.Run(flow, static call => _ = ((Call)call!).RunAsync(), this);
            else _ = RunAsync();
        }

        private async Task RunAsync()
        {
            try
            {
                await work.CallAsync(given, cancellation).ConfigureAwait(false);
                ended.SetResult();
            }
            catch (Exception e)
            {
                ended.SetException(e);               // of a cancellation, too: its text may name a client's time limit
            }
        }
    }
}

/// <summary>The owner of a run whose commits have transactions.</summary>
internal interface ITransactionOwner
{
    /// <summary>Checks that a transaction of this type will settle the item.</summary>
    /// <exception cref="InvalidOperationException">It will not; the message says why.</exception>
    void CheckTransaction(string node, Type transaction, Ticket ticket);

    /// <summary>Adds a function to the commit that settles the item, if this attempt at it succeeds.</summary>
    void Keep(int node, TransactionWork work, Ticket ticket);
}
