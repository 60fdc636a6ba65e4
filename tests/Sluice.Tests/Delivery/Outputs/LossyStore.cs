using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A store over a bad network, drawn from a seed. Now and then a call is not made, or its answer is lost or comes late, even after
/// the caller counts as silent. Calls that wait for a change are spared; there are at most sixty faults, and none while the store is
/// healthy.</summary>
internal sealed class LossyStore(IStreamStore inner, int seed, TimeProvider time) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private const int OneIn = 25;
    private const int Most = 60;

    private readonly Random random = new(seed);
    private readonly List<string> faults = [];

    /// <summary>Whether there are no faults: before the consecutors have started, and at the end.</summary>
    public bool IsHealthy { get; set; } = true;

    public override string ToString()
    {
        lock (random) return string.Join(", ", faults);
    }

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        switch (Draw(name))
        {
            case 1:
                throw new StreamStoreException("The connection is cut. Nothing was done.");
            case 2:
                await call();
                throw new StreamStoreException("The answer was lost.");
            case 3:
                T answer = await call();
                await Task.Delay(TimeSpan.FromSeconds(Number(60)), time);
                return answer;
            default:
                return await call();
        }
    }

    private int Draw(string name)
    {
        if (name is nameof(WaitForChangeAsync) or nameof(WaitForEntriesAsync)) return 0;
        lock (random)
        {
            if (IsHealthy || faults.Count == Most || random.Next(OneIn) != 0) return 0;
            int fault = random.Next(1, 4);
            faults.Add($"{name} {(fault == 1 ? "not made" : fault == 2 ? "not answered" : "late")}");
            return fault;
        }
    }

    private int Number(int below)
    {
        lock (random) return random.Next(below);
    }
}
