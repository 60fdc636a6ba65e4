namespace Sluice.Flows;

/// <summary>Executes functions in this process, on the thread pool.</summary>
internal sealed class LocalExecutor : IExecutor
{
    public static LocalExecutor Instance { get; } = new();

    public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
    {
        // A function that never waits must not block the caller.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await call.RunHereAsync(cancellation).ConfigureAwait(false);
    }
}
