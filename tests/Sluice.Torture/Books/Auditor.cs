using System.Globalization;
using System.Text;

namespace Sluice.Torture;

/// <summary>Reads what the store and the file hold when everything is over, and adds it to the accounts.</summary>
internal static class Auditor
{
    public static async Task ReadAsync(IStreamStore store, string ledger, Accounts accounts)
    {
        await ReadResultsAsync(store, accounts);
        await ReadLettersAsync(store, accounts);
        if (File.Exists(ledger))
        {
            foreach (string line in await File.ReadAllLinesAsync(ledger))
            {
                string[] words = line.Split(' ', 2);
                accounts[long.Parse(words[0], CultureInfo.InvariantCulture)].FileLines.Add(words[1]);
            }
        }

        IntegrityReport report = await store.CheckAsync();
        foreach (string problem in report.Problems) accounts.Problems.Add($"the store's own check: {problem}");
        StreamInfo? stream = await store.FindStreamAsync(Life.Name);
        if (stream is null || stream.Items > 0 || stream.Groups.Sum(group => group.Outstanding) > 0)
            accounts.Problems.Add($"the stream is not empty in the end: {stream?.Items} items, outstanding: {string.Join(", ", stream?.Groups ?? [])}");
    }

    private static async Task ReadResultsAsync(IStreamStore store, Accounts accounts)
    {
        for (long next = 1; ;)
        {
            ReadResult read = await store.ReadAsync(new(ResultSink.Stream, 0, next));
            if (read.Missed > 0) accounts.Problems.Add($"{read.Missed} results are not in the store any more");
            if (read.Entries.Length == 0) return;
            foreach (Entry entry in read.Entries.ToArray())
            {
                string[] words = Encoding.UTF8.GetString(entry.Payload.Span).Split(' ');
                Account account = accounts[long.Parse(words[1], CultureInfo.InvariantCulture)];
                account.Ids.Add(words[2]);
                if (words[0] == "root") account.Completions++;
                else account.Records.Add(words[3]);
            }
            next = read.Next;
        }
    }

    private static async Task ReadLettersAsync(IStreamStore store, Accounts accounts)
    {
        var group = new GroupId(Life.Name, Life.Name);
        if (await store.FindGroupAsync(group) is null) return;
        IPayloadSerializer<Work> serializer = PayloadSerializers.Json.For<Work>();
        for (long after = 0; ;)
        {
            IReadOnlyList<DeadEntry> letters = await store.ListDeadAsync(group, after: after);
            if (letters.Count == 0) return;
            foreach (DeadEntry letter in letters)
            {
                Work work = serializer.Deserialize(letter.Entry.Payload.Span);
                accounts[work.Number].Letters.Add($"{letter.Node} {work.Trace}");
            }
            after = letters[^1].Number;
        }
    }
}
