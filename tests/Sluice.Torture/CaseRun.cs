using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>Runs a case from its first life to its audit.</summary>
internal sealed class CaseRun(TortureOptions options, Case @case, int kills)
{
    /// <summary>How often it was killed.</summary>
    public int Killed { get; private set; }

    /// <summary>How often the server of its store was.</summary>
    public int KilledServers { get; private set; }

    /// <summary>How often the server stood still, and a process.</summary>
    public (int Server, int Process) Freezes { get; private set; }

    public List<string> Findings { get; } = [];

    public async Task<Verdict> RunAsync()
    {
        string directory = Directory.CreateTempSubdirectory($"torture-{options.Seed}-{@case.Number}-").FullName;
        await using ILives lives = options.Store switch
        {
            "sqlite" => new ProcessLives(@case, options, directory, options.LongestStandstill),
            "redis" or "postgres" => new ProcessLives(@case, options, directory, options.LongestStandstill,
                await MortalServer.StartAsync(options.Seed, @case, options.Store, options.ServerKind)),
            _ => new MemoryLives(@case, directory, options.Breakage, options.LongestStandstill),
        };

        var life = 0;
        string? problem = null;
        try
        {
            // Bombs kill on top of what is planned: each as often as it has attempts, and once with others.
            for (LifeEnd end = LifeEnd.Killed; end == LifeEnd.Killed; Killed += end == LifeEnd.Killed ? 1 : 0)
            {
                if (life == kills + 50) throw new TortureException("it is killed by its items again and again, and has no end");
                LifePlan plan = @case.PlanOf(++life, kills);
                long first = JournalReader.NextNumber(directory, life - 1);
                int rest = (int)(@case.Items - first);
                end = await lives.RunAsync(life, plan, (first, plan.Ending == Ending.Idle ? rest
                    : Math.Min(rest, @case.Items / (kills + 1))));
            }
        }
        catch (Exception failure) when (failure is TortureException or StreamStoreException or InvalidOperationException)
        {
            problem = failure.ToString();
        }

        KilledServers = (lives as ProcessLives)?.Server?.Kills ?? 0;
        Freezes = ((lives as ProcessLives)?.Server?.Freezes ?? 0, (lives as ProcessLives)?.Stops ?? 0);
        Verdict verdict;
        if (problem is not null) Findings.Add(problem);
        if (problem is not null && options.Breakage == Breakage.None)
        {
            verdict = new(0, 0, 0, 0, 0, Mismatched: 1);             // nothing has come to its end: what is missing says nothing
        }
        else
        {
            (verdict, IReadOnlyList<string> found) = await CaseAudit.JudgeAsync(@case, lives, life, options.Store == "sqlite");
            Findings.AddRange(found);
        }
        if (!verdict.IsGood || options.Keeps) Findings.Add($"journals, store and file are in {directory}");
        else Directory.Delete(directory, recursive: true);
        return verdict;
    }

    public override string ToString() => $"{@case}\n  repeat: {options with { OnlyCase = @case.Number, Kills = kills }}";
}

/// <summary>Judges a case when all of its lives are over.</summary>
internal static class CaseAudit
{
    public static async Task<(Verdict Verdict, IReadOnlyList<string> Findings)> JudgeAsync(Case @case, ILives lives, int life,
        bool isSqlite)
    {
        Accounts accounts = JournalReader.Read(@case, lives.Directory, life);
        try
        {
            IStreamStore store = await lives.OpenStoreAsync();
            await Auditor.ReadAsync(store, lives.Directory, accounts);
            await store.DisposeAsync();
        }
        catch (StreamStoreException failure)
        {
            accounts.Problems.Add($"the audit failed: {failure.Message}");
        }
        if (isSqlite) Auditor.ReadRows(Stores.PathIn(lives.Directory), Places.Store, accounts);
        var oracle = new Oracle(@case, accounts, Places.Of(@case, isSqlite));
        return (oracle.Judge(), oracle.Findings);
    }
}
