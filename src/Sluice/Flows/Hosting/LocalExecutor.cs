namespace Sluice;

/// <summary>Executes functions in this process, on the thread pool.</summary>
internal sealed class LocalExecutor : IExecutor
{
    public static LocalExecutor Instance { get; } = new();

    public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // a function that never waits holds up nobody else
        await call.RunHereAsync(cancellation).ConfigureAwait(false);
    }
}
