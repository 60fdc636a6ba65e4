using System.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Flows;

/// <content>What an executor does with the function.</content>
internal sealed partial class Invocation
{
    /// <summary>Whether the executor has returned while the function runs: another attempt would run beside it.</summary>
    public bool IsLeft { get; private set; }

    /// <summary>Whether the function runs.</summary>
    public bool IsExecuting { get; private set; }

    /// <summary>Executes the function, and tells it to stop if the executor leaves it behind.</summary>
    private async Task ExecuteAsync(IExecutor executor, ProcessorCall call, CancellationTokenSource until, CancellationToken cancellation)
    {
        IsExecuting = true;
        try
        {
            Task executing = executor.ExecuteAsync(call, cancellation) ?? throw new FlowException(
                $"The ExecuteAsync of the executor {TypeNames.Of(executor.GetType())} returned null instead of a task.")
            { Run = Run };
            await executing.ConfigureAwait(false);
        }
        finally
        {
            (IsExecuting, IsLeft) = (false, call.IsRunning);
            if (IsLeft) await until.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Calls the function in an execution context of its own: the code that has registered it may be long over.</summary>
    private Task CallAsync(CallingFunction calling, CancellationToken cancellation)
    {
        Activity? span = Activity.Current;
        return Detached.Run(() =>
        {
            Activity.Current = span;
            calling.Enter();
            slot.Use();
            return function.RunAsync(this, core.Services, cancellation);
        });
    }
}
