namespace Sluice.Testing;

/// <summary>Random operations, compared with a model after each, to find unforeseen cases.</summary>
internal static class RandomScenarios
{
    private const int Seeds = 10, Steps = 150;

    public static IEnumerable<KeyValuePair<string, Func<Rig, Task>>> All => Enumerable.Range(1, Seeds)
        .Select(seed => new KeyValuePair<string, Func<Rig, Task>>($"RandomOperationsAgreeWithTheModel{seed}",
        rig => RunAsync(rig, seed, Steps)));

    public static async Task RunAsync(Rig rig, int seed, int steps)
    {
        await using var walk = new RandomWalk(rig, new Random(seed));
        await walk.BeginAsync();
        for (int step = 1; step <= steps; step++)
            try
            {
                await walk.StepAsync();
                await walk.CompareAsync();
            }
            catch (Exception failure)
            {
                throw new StreamStoreContractException($"seed {seed}, step {step} ({walk.Last}): {failure.Message}", failure);
            }
    }
}
