using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>Reads what the store, the file and the tables hold when everything is over, and adds it to the accounts.</summary>
internal static class Auditor
{
    public static async Task ReadAsync(IStreamStore store, string directory, Accounts accounts)
    {
        await ReadResultsAsync(store, accounts);
        await ReadLettersAsync(store, accounts);
        await ReadStateAsync(store, accounts);
        if (File.Exists(Places.PathOfFile(directory)))
        {
            foreach (string line in await File.ReadAllLinesAsync(Places.PathOfFile(directory)))
            {
                string[] words = line.Split(' ', 2);
                accounts[long.Parse(words[0], CultureInfo.InvariantCulture)].Find(Places.File, words[1]);
            }
        }
        ReadRows(Places.PathOfDatabase(directory), Places.Database, accounts);

        IntegrityReport report = await store.CheckAsync();
        foreach (string problem in report.Problems) accounts.Problems.Add($"the store's own check: {problem}");
        await CheckEmptyAsync(store, Life.Name, accounts);
        if (await store.FindStreamAsync(Extra.Second) is not null) await CheckEmptyAsync(store, Extra.Second, accounts);
    }

    private static async Task CheckEmptyAsync(IStreamStore store, string name, Accounts accounts)
    {
        StreamInfo? stream = await store.FindStreamAsync(name);
        if (stream is null || stream.Items > 0 || stream.Groups.Sum(group => group.Outstanding) > 0)
            accounts.Problems.Add(
                $"the stream {name} is not empty in the end: {stream?.Items} items, "
                    + $"outstanding: {string.Join(", ", stream?.Groups ?? [])}");
    }

    /// <summary>Reads a table of rows; nothing if there is no such file or table.</summary>
    public static void ReadRows(string path, string place, Accounts accounts)
    {
        if (!File.Exists(path)) return;
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT name FROM sqlite_master WHERE name = 'part'";
        if (command.ExecuteScalar() is null) return;
        command.CommandText = "SELECT number, trace FROM part";
        using SqliteDataReader rows = command.ExecuteReader();
        while (rows.Read()) accounts[rows.GetInt64(0)].Find(place, rows.GetString(1));
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
                if (words[0] is "root" or "part") account.Ids.Add(Whole(words[2]));
                if (words[0] == "root")
                {
                    account.Completions++;
                    accounts.Ends.Add((long.Parse(words[1], CultureInfo.InvariantCulture), words[2]));
                }
                else account.Find(words[0] == "part" ? Places.Results : words[0], words[3]);
            }
            next = read.Next;
        }
    }

    // The id of the item; that of a part of a list has the node and the range behind it.
    private static string Whole(string id) => string.Join('/', id.Split('/').Take(3));

    private static async Task ReadStateAsync(IStreamStore store, Accounts accounts)
    {
        var group = new GroupId(Life.Name, Life.Name);
        if (await store.FindGroupAsync(group) is not { } info) return;
        IPayloadSerializer<Tally> serializer = PayloadSerializers.Json.For<Tally>();
        foreach (PartitionInfo partition in info.Partitions)
        {
            foreach (StateRow row in await store.ListStateAsync(group, partition.Partition, TallyNode.NodeName))
            {
                Tally tally = serializer.Deserialize(row.Value!.Value.Span);
                accounts.Tally = new(accounts.Tally.Count + tally.Count, accounts.Tally.Sum + tally.Sum);
            }
        }
    }

    private static async Task ReadLettersAsync(IStreamStore store, Accounts accounts)
    {
        var group = new GroupId(Life.Name, Life.Name);
        if (await store.FindGroupAsync(group) is null) return;
        IPayloadSerializer<Work> serializer = PayloadSerializers.Json.For<Work>();
        IPayloadSerializer<Work[]> lists = PayloadSerializers.Json.For<Work[]>();
        for (long after = 0; ;)
        {
            IReadOnlyList<StoredDeadLetter> letters = await store.ListDeadAsync(group, after: after);
            if (letters.Count == 0) return;
            foreach (StoredDeadLetter letter in letters)
            {
                bool isList = letter.Entry.Payload.Span[0] == (byte)'[';
                Work[] works = isList ? lists.Deserialize(letter.Entry.Payload.Span) : [serializer.Deserialize(letter.Entry.Payload.Span)];
                accounts[works[0].Number].Letters.Add(new(letter.Node, string.Join(',', works.Select(static work => work.Trace)),
                    letter.Error.Contains("The process ended", StringComparison.Ordinal)));
            }
            after = letters[^1].Number;
        }
    }
}
