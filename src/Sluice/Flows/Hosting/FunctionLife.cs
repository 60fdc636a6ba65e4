namespace Sluice;

/// <summary>The token of what a user has written. It is cancelled apart from everything else: what is registered with it may throw, or not return, and that holds up nobody.</summary>
internal sealed class FunctionLife : IAsyncDisposable
{
    private readonly SupervisorCore core;
    private readonly string what;
    private readonly CancellationTokenSource source = new();
    private readonly CancellationTokenRegistration ending;

    /// <param name="core">Whom to tell.</param>
    /// <param name="what">What gets the token, as people know it.</param>
    /// <param name="life">Ends when it is to stop.</param>
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
        if (!source.IsCancellationRequested) source.Dispose();          // else what is registered may still be called
    }

    // Throws nothing.
    private async Task CancelAsync()
    {
        try
        {
            await source.CancelAsync().ConfigureAwait(false);
        }
        catch (AggregateException e)
        {
            core.Warn($"{what} was cancelled, and what was registered with its CancellationToken has failed: {string.Join(" ", e.InnerExceptions.Select(one => $"{one.GetType().Name}: {one.Message}"))}");
        }
    }
}
