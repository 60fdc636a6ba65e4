using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A send to a full stream waits no longer than its own timeout, whatever other senders wait for.</summary>
public class SendTimeoutTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly a send waited behind the append in front of it, up to the longest timeout.</remarks>
    /// <param name="bound">The bound of the stream. An append has one item of 1, and two of 8: the patient sends fill it, or do
    /// not.</param>
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task ASendIsRefusedAtItsOwnTimeBehindPatientOnes(int bound)
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> work = await FullAsync(store, bound);
        Task<SendResult>[] patient = [.. Enumerable.Range(100, 3).Select(item => TryAsync(work, item, TimeSpan.FromHours(1)))];
        await Member.UntilAsync(() => work.Core.Sends.IsWaiting);
        Assert.Equal(SendStatus.Full, (await TryAsync(work, 200, TimeSpan.Zero)).Status);

        Task<SendResult> later = TryAsync(work, 202, TimeSpan.FromSeconds(2)), sooner = TryAsync(work, 201, TimeSpan.FromSeconds(1));
        await PassASecondAsync();
        Assert.Equal(SendStatus.Full, (await sooner).Status);
        Assert.False(later.IsCompleted);
        await PassASecondAsync();
        Assert.Equal(SendStatus.Full, (await later).Status);
        Assert.DoesNotContain(patient, static send => send.IsCompleted);

        await work.StartAsync(Cancellation);
        foreach (Task<SendResult> send in patient) Assert.Equal(SendStatus.Accepted, (await send).Status);
        Assert.Equal(bound + 3, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    /// <summary>Waits for the timer of the send that ends then: a timer that is set afterwards would be late.</summary>
    private async Task PassASecondAsync()
    {
        await Member.UntilAsync(() => clock.NextDue == clock.GetUtcNow() + TimeSpan.FromSeconds(1));
        clock.Advance(TimeSpan.FromSeconds(1));
    }

    private async Task<Consecutor<int>> FullAsync(IStreamStore store, int bound)
    {
        var work = new Consecutor<int>("work", source => source | (_ => { }),
            Member.Options("me", store, clock) with { Stream = new() { Partitions = 1, MaxItems = bound } });
        await work.TrySendAllAsync([.. Enumerable.Range(0, bound)], cancellation: Cancellation);
        return work;
    }

    private static Task<SendResult> TryAsync(Consecutor<int> work, int item, TimeSpan timeout)
        => work.TrySendAsync(item, new() { Timeout = timeout }, Cancellation);
}
