namespace Sluice.Flows;

/// <summary>
/// The cancellation token of user code. Callbacks that user code registers may throw or hang without holding up the library.
/// </summary>
internal sealed class FunctionLife : IAsyncDisposable
{
    private readonly SupervisorCore core;
    private readonly string what;
    private readonly CancellationTokenSource source = new();
    private readonly CancellationTokenRegistration ending;

    /// <param name="core">Receives the warnings.</param>
    /// <param name="what">The receiver of the token, as people know it.</param>
    /// <param name="life">Cancels the token.</param>
    public FunctionLife(SupervisorCore core, string what, CancellationToken life)
    {
        (this.core, this.what) = (core, what);
        Token = source.Token;
        ending = life.UnsafeRegister(static self => _ = ((FunctionLife)self!).CancelAsync(), this);
    }

    public CancellationToken Token { get; }

    public async ValueTask DisposeAsync()
    {
        await ending.DisposeAsync().ConfigureAwait(false);
        if (!source.IsCancellationRequested) source.Dispose();          // otherwise callbacks may still run
    }

    // Never throws.
    private async Task CancelAsync()
    {
        try
        {
            await source.CancelAsync().ConfigureAwait(false);
        }
        catch (AggregateException e)
        {
            core.Warn(
                $"{what} was cancelled, and what was registered with its CancellationToken has "
                    + $"failed: {string.Join(" ",
                        e.InnerExceptions.Select(one => $"{one.GetType().Name}: {FailureText.MessageOf(one)}"))}");
        }
    }
}
