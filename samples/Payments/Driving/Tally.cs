namespace Payments.Driving;

/// <summary>What the clients have sent, and what was acknowledged. For any thread.</summary>
internal sealed class Tally
{
    private int acknowledged;
    private int repeated;
    private TaskCompletionSource more = NewSignal();

    /// <summary>Payments that the server has acknowledged.</summary>
    public int Acknowledged => Volatile.Read(ref acknowledged);

    /// <summary>Requests and frames that were sent again: under the same key, or the same number.</summary>
    public int Repeated => Volatile.Read(ref repeated);

    public void Acknowledge(int count)
    {
        Interlocked.Add(ref acknowledged, count);
        Interlocked.Exchange(ref more, NewSignal()).TrySetResult();
    }

    /// <summary>Waits until so many are acknowledged.</summary>
    public async Task UntilAsync(int count, CancellationToken cancellation)
    {
        while (true)
        {
            Task next = Volatile.Read(ref more).Task;
            if (Acknowledged >= count) return;
            await next.WaitAsync(cancellation);
        }
    }

    public void Repeat(int count = 1) => Interlocked.Add(ref repeated, count);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
