using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>
/// One life of a process, killed at every place of its calls to the store: each call that it makes, before it, inside of its transaction,
/// and when that has ended but
/// nobody knows. Each time the same process before it, which was killed in its first commit, and one after it, which goes on to the end.
/// </summary>
/// <remarks>
/// The calls are counted by name, in a life that is not killed. Which of them come is not quite the same in each life: a place that a life
/// does not come to is not
/// counted as a kill, and audited all the same.
/// </remarks>
internal sealed class SweepRun(TortureOptions options)
{
    private static readonly Moment[] Moments = [Moment.Before, Moment.Inside, Moment.Stored];

    // Calls that change nothing have one place; waiting for a change has none: it is under way all the time.
    private static readonly string[] Looks = [nameof(IStreamStore.FindGroupAsync), nameof(IStreamStore.FindStreamAsync),
        nameof(IStreamStore.ListDeadAsync),
        nameof(IStreamStore.ReadStateAsync), nameof(IStreamStore.HeartbeatAsync), nameof(IStreamStore.GetTimeAsync)];

    private readonly Case @case = new(options.Seed, options.OnlyCase ?? 0, options.Items, isSweep: true);
    private readonly Lock sync = new();
    private Verdict sum = new(0, 0, 0, 0, 0, 0);
    private int killed;

    /// <summary>The number of places at which a life has died.</summary>
    public int Killed => killed;

    public async Task<Verdict> RunAsync()
    {
        string start = Directory.CreateTempSubdirectory($"torture-sweep-{options.Seed}-").FullName;
        LifePlan early = new()
        {
            Ending = Ending.KilledAtCall,
            LastCall = new("CommitAsync", 1, Moment.Inside),
            Delay = options.LongestStandstill,
            Seed = 1
        };
        if (await RunAsync(start, 1, early, @case.Items / 2) != LifeEnd.Killed)
            throw new TortureException("the first life has ended without a commit");

        string census = Copy(start);
        await RunAsync(census, 2, LifePlan.ToTheEnd(2, cures: true));
        IReadOnlyDictionary<string, int> calls = JournalReader.CallsOf(census, 2);
        await JudgeAsync(census, 2, "not killed");
        LastCall[] places = [.. calls.OrderBy(call => call.Key, StringComparer.Ordinal).SelectMany(call => PlacesOf(call.Key, call.Value))];
        LastCall[] chosen = options.Kills >= places.Length ? places
            : [.. Enumerable.Range(0, options.Kills).Select(i => places[i * (long)places.Length / options.Kills])];
        Console.Error.WriteLine(
            $"{calls.Values.Sum()} calls: {string.Join(", ", calls.OrderBy(call => call.Key, StringComparer.Ordinal).Select(call =>
                $"{call.Key} {call.Value}"))}");

        await Parallel.ForEachAsync(chosen, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, async (place, _) =>
        {
            string directory = Copy(start);
            LifeEnd end = await RunAsync(directory, 2, LifePlan.ToTheEnd(2, cures: true, place));
            if (end == LifeEnd.Killed) await RunAsync(directory, 3, LifePlan.ToTheEnd(3, cures: true));
            lock (sync) killed += end == LifeEnd.Killed ? 1 : 0;
            await JudgeAsync(directory, end == LifeEnd.Killed ? 3 : 2, $"killed {place}");
        });
        Directory.Delete(start, recursive: true);
        Console.Error.WriteLine($"{killed} kills at {chosen.Length} places");
        return sum;
    }

    private static IEnumerable<LastCall> PlacesOf(string name, int count)
    {
        if (name is nameof(IStreamStore.WaitForChangeAsync) or nameof(IStreamStore.WaitForEntriesAsync)) yield break;
        for (int number = 1; number <= count; number++)
            foreach (Moment moment in Looks.Contains(name) ? [Moment.Before] : Moments) yield return new(name, number, moment);
    }

    private async Task<LifeEnd> RunAsync(string directory, int life, LifePlan plan, int? count = null)
    {
        var lives = new ProcessLives(@case, options, directory, options.LongestStandstill);
        long first = JournalReader.NextNumber(directory, life - 1);
        return await lives.RunAsync(life, plan, (first, count ?? (int)(@case.Items - first)));
    }

    private async Task JudgeAsync(string directory, int life, string what)
    {
        (Verdict verdict, IReadOnlyList<string> findings) = await CaseAudit.JudgeAsync(@case,
            new ProcessLives(@case, options, directory, options.LongestStandstill), life, isSqlite: true);
        lock (sync)
        {
            sum += verdict;
            if (!verdict.IsGood) Console.Error.WriteLine(
                $"{what}: {@case}\n  {string.Join("\n  ", findings)}\n  journals, store and file are in {directory}");
        }
        if (verdict.IsGood && !options.Keeps) Directory.Delete(directory, recursive: true);
    }

    private string Copy(string directory)
    {
        string copy = Directory.CreateTempSubdirectory($"torture-sweep-{options.Seed}-").FullName;
        foreach (string file in Directory.GetFiles(directory).Where(static file => !file.EndsWith("-socket", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }
}
