namespace Sluice;

/// <summary>A token that is cancelled with another one, or when a time is over.</summary>
/// <remarks>The timer may fire while the limit is disposed. A timer of one's own would call <see cref="CancellationTokenSource.Cancel()"/>
/// of a disposed source then, and the exception would end the process; the timer of a source does not.</remarks>
internal sealed class TimeLimit : IDisposable
{
    private readonly CancellationTokenSource limit;
    private readonly CancellationTokenSource either;

    public TimeLimit(TimeSpan time, TimeProvider clock, CancellationToken cancellation)
    {
        limit = new(time, clock);
        either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
    }

    public CancellationToken Token => either.Token;

    public void Dispose()
    {
        either.Dispose();
        limit.Dispose();
    }
}
