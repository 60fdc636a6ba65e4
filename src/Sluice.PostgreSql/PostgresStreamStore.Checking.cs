namespace Sluice.PostgreSql;

public sealed partial class PostgresStreamStore
{
    /// <inheritdoc/>
    /// <remarks>One transaction for each page of entries. Entries appended or trimmed meanwhile may or may not be counted.</remarks>
    public override async ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default)
    {
        long entries = 0;
        List<string> problems = [];
        foreach (string stream in await ListStreamsAsync("", cancellation).ConfigureAwait(false))
            try
            {
                entries += await CheckAsync(stream, problems, cancellation).ConfigureAwait(false);
            }
            catch (StreamStoreException damage) when (damage.IsPermanent)
            {
                problems.Add(damage.Message);
            }
        return new(entries, problems);
    }

    private async Task<long> CheckAsync(string stream, List<string> problems, CancellationToken cancellation)
    {
        long entries = 0;
        CheckPlan? plan = await PageAsync(round => CheckCalls.PlanAsync(round, stream)).ConfigureAwait(false);
        if (plan is null) return 0;
        problems.AddRange(plan.Problems);
        foreach ((int number, long tail, long passed) in plan.Parts)
            for (long next = passed + 1; next <= tail;)
            {
                long from = next;
                next = Add(await PageAsync(round => CheckCalls.PartAsync(round, stream, number, from, tail)).ConfigureAwait(false)).Next;
            }
        for (long after = 0; await PageAsync(async round => await IntakeCalls.CheckAsync(round, stream, after).ConfigureAwait(false))
            .ConfigureAwait(false) is { } page;)
        {
            (entries, after) = (entries + page.Entries, page.Next);
            problems.AddRange(page.Problems);
        }
        foreach (GroupId group in plan.Groups)
        {
            for ((int partition, long after) = (0, long.MinValue);
                await PageAsync(round => CheckCalls.WaitingAsync(round, group, partition, after)).ConfigureAwait(false) is { } page;)
                (partition, after) = (page.Partition, Add(page).Next);
            for (long after = 0;
                await PageAsync(round => CheckCalls.LettersAsync(round, group, after)).ConfigureAwait(false) is { } page;)
                after = Add(page).Next;
        }
        return entries;

        ValueTask<T> PageAsync<T>(Func<Round, ValueTask<T>> read) => LookAsync(needs => needs.Streams.Add(stream), read, cancellation);

        CheckPage Add(CheckPage page)
        {
            entries += page.Entries;
            problems.AddRange(page.Problems);
            return page;
        }
    }
}
