using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>Names and keys are compared character by character: no case, space or composition is ignored.</summary>
internal static class NameScenarios
{
    private static readonly string[] Names = ["K1", "k1", "k1 ", "ss", "\u00df", "\u00e9", "\ud83d\ude00", "\uff21", "e\u0301"];

    public static async Task NamesAreComparedAsTheyAre(Rig rig)
    {
        await rig.PrepareAsync();
        foreach (string name in Names)
        {
            Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, [name], producer: name)).Status,
                $"the first append of the producer '{name}'");
            await rig.Store.OpenReaderAsync(Orders, name);
            await rig.Store.AddGroupAsync(new(Orders, name));
            Expect.Equal(HeartbeatStatus.Accepted, (await rig.BeatAsync(name)).Status, $"the first heartbeat of the member '{name}'");
        }
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.CommitAsync(new(owner, 1)
        {
            State = [.. Names.Select(static name => new StateRow("node", name, 0, Bytes(name)))],
            FileLengths = [.. Names.Select(static (name, i) => new FileLength(name, i))],
        });
        Expect.Same(Sorted(Names), Sorted((await rig.Store.FindGroupAsync(Main))!.Members.Select(static member => member.Name)), "members");
        for (int look = 0; look < 2; look++)
        {
            StreamInfo stream = (await rig.Store.FindStreamAsync(Orders))!;
            Expect.Same(Sorted(Names), Sorted(stream.Readers.Select(static reader => reader.Name)), "readers");
            Expect.Same(Sorted([Main.Name, .. Names]), Sorted(stream.Groups.Select(static group => group.Name)), "groups");
            foreach (string name in Names)
                Expect.Same([(name, name)], (await rig.Store.ReadStateAsync(Main, 0, "node", [name])).Select(static row =>
                    (row.Key, System.Text.Encoding.UTF8.GetString(row.Value!.Value.Span))), $"the row of the key '{name}'");
            await rig.ReopenAsync(kill: true);
        }
        (_, PartitionState state) = await rig.TakeAsync();
        Expect.Same(Sorted(Names), Sorted(state.FileLengths.Keys), "file lengths");
    }

    public static async Task StreamsAreListedInOrdinalOrderByTheirPrefix(Rig rig)
    {
        string[] alike = ["50%", "50x", "a_b", "axb"];
        foreach (string name in Names.Concat(alike).Reverse()) await rig.Store.OpenStreamAsync(name, new() { Partitions = 1 });
        await rig.ReopenAsync(kill: true);
        Expect.Same(Sorted(Names.Concat(alike)), await rig.Store.ListStreamsAsync(), "streams, in ordinal order");
        foreach ((string prefix, string[] found) in new (string, string[])[]
        {
            ("k", ["k1", "k1 "]), ("K", ["K1"]), ("k1 ", ["k1 "]), ("a_", ["a_b"]), ("50%", ["50%"]),
            ("\u00e9", ["\u00e9"]), ("e", ["e\u0301"]), ("[a-z]", []), ("*", []), ("\\", []),
        })
            Expect.Same(found, await rig.Store.ListStreamsAsync(prefix), $"streams with the prefix '{prefix}'");
    }

    private static string[] Sorted(IEnumerable<string> names) => [.. names.Order(StringComparer.Ordinal)];
}
