namespace Sluice.Torture;

/// <summary>Runs a case from its first life to its audit.</summary>
internal sealed class CaseRun(TortureOptions options, Case @case, int kills)
{
    // A store that is broken on purpose may well keep a life from ever ending.
    private readonly TimeSpan longestLife = TimeSpan.FromSeconds(options.Breakage == Breakage.None ? 60 : 8);

    /// <summary>How often it was killed.</summary>
    public int Killed { get; private set; }

    public List<string> Findings { get; } = [];

    public async Task<Verdict> RunAsync()
    {
        string directory = Directory.CreateTempSubdirectory($"torture-{options.Seed}-{@case.Number}-").FullName;
        await using ILives lives = options.Store == "sqlite"
            ? new ProcessLives(@case, options, kills, directory, longestLife)
            : new MemoryLives(@case, directory, options.Breakage, longestLife);

        var life = 0;
        string? problem = null;
        try
        {
            // Bombs kill on top of what is planned: each as often as it has attempts, and once with others.
            for (LifeEnd end = LifeEnd.Killed; end == LifeEnd.Killed && life < kills + 50; Killed += end == LifeEnd.Killed ? 1 : 0)
            {
                LifePlan plan = @case.PlanOf(++life, kills, options.IsSweep);
                long first = JournalReader.NextNumber(directory, life - 1);
                int rest = (int)(@case.Items - first);
                end = await lives.RunAsync(life, plan, (first, plan.Ending == Ending.Idle ? rest : Math.Min(rest, @case.Items / (kills + 1))));
            }
        }
        catch (Exception failure) when (failure is TortureException or StreamStoreException or InvalidOperationException)
        {
            problem = failure.ToString();
        }

        Verdict verdict;
        if (problem is not null) Findings.Add(problem);
        if (problem is not null && options.Breakage == Breakage.None)
        {
            verdict = new(0, 0, 0, 0, 0, Mismatched: 1);             // nothing has come to its end: what is missing says nothing
        }
        else
        {
            Accounts accounts = JournalReader.Read(@case, directory, life);
            await AuditAsync(lives, accounts);
            var oracle = new Oracle(@case, accounts);
            verdict = oracle.Judge();
            Findings.AddRange(oracle.Findings);
        }
        if (!verdict.IsGood || options.Keeps) Findings.Add($"journals, store and file are in {directory}");
        else Directory.Delete(directory, recursive: true);
        return verdict;
    }

    public override string ToString() => $"seed {options.Seed}, {@case}, {kills} kills";

    private static async Task AuditAsync(ILives lives, Accounts accounts)
    {
        try
        {
            IStreamStore store = await lives.OpenStoreAsync();
            await Auditor.ReadAsync(store, Path.Combine(lives.Directory, "ledger"), accounts);
            await store.DisposeAsync();
        }
        catch (StreamStoreException failure)
        {
            accounts.Problems.Add($"the audit failed: {failure.Message}");
        }
    }
}
