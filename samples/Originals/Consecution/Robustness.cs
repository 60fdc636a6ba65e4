using Sluice;
using Sluice.Diagnostics;

namespace Originals.Consecution;

/// <summary>The original's first README: nothing is tracked; whether all was processed is known; the last N failures are kept; failures are
/// replayed up to N times.</summary>
internal static class Robustness
{
    public static async Task RunAsync()
    {
        // Two of five items fail at every attempt.
        Check.Equal((3L, 0, 5), await LevelAsync(DeliveryGuarantee.Confirm), "completed, dead letters and attempts of Confirm");
        Check.Equal((3L, 1, 5), await LevelAsync(DeliveryGuarantee.Track(1)), "those of Track(1)");
        Check.Equal((3L, 2, 9), await LevelAsync(DeliveryGuarantee.Replay(2, Backoff.None)), "those of Replay(2)");
        Check.Equal(5, (await LevelAsync(DeliveryGuarantee.None)).Attempts, "the attempts of None");
    }

    private static async Task<(long Completed, int Letters, int Attempts)> LevelAsync(DeliveryGuarantee delivery)
    {
        int attempts = 0;
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("robust", source => source | Try,
            new ConsecutorOptions { Store = store, Delivery = delivery });
        await consecutor.StartAsync();
        for (int i = 1; i <= 5; i++) await consecutor.SendAsync(i);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync();
        int letters = 0;
        await foreach (DeadLetter _ in consecutor.ListDeadLettersAsync()) letters++;
        return (end.Completed, letters, attempts);

        void Try(int n)
        {
            Interlocked.Increment(ref attempts);
            if (n % 2 == 0) throw new FormatException($"{n} is even");
        }
    }
}
