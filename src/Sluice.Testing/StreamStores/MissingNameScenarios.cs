using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>A call with a wrong name says so: by an error that has the name, or by its result. None of them is silent.</summary>
internal static class MissingNameScenarios
{
    private static readonly GroupId NoGroup = new(Orders, "no-group"), NoStream = new("no-stream", "no-group");

    public static async Task ACallThatNamesAMissingGroupOrStreamFails(Rig rig)
    {
        await rig.PrepareAsync();
        bool pauses = !await IsRefusedAsync(() => rig.Store.PauseGroupAsync(Main, false));
        foreach (GroupId missing in new[] { NoGroup, NoStream })
        {
            string name = missing.Stream == Orders ? missing.Name : missing.Stream;
            await FailsAsync("ListDeadAsync", name, () => rig.Store.ListDeadAsync(missing).AsTask());
            await FailsAsync("RedriveAsync", name, () => rig.Store.RedriveAsync(missing, [1]).AsTask());
            await FailsAsync("DeleteDeadAsync", name, () => rig.Store.DeleteDeadAsync(missing, [1]).AsTask());
            await FailsAsync("ListWaitingAsync", name, () => rig.Store.ListWaitingAsync(missing, 0).AsTask());
            await FailsAsync("ListWaitingHeadsAsync", name, () => rig.Store.ListWaitingHeadsAsync(missing, 0, 0).AsTask());
            await FailsAsync("ListStateNodesAsync", name, () => rig.Store.ListStateNodesAsync(missing, 0).AsTask());
            await FailsAsync("ListStateAsync", name, () => rig.Store.ListStateAsync(missing, 0, "node").AsTask());
            await FailsAsync("ReadStateAsync", name, () => rig.Store.ReadStateAsync(missing, 0, "node", ["key"]).AsTask());
            await FailsAsync("AcquireAsync", name, () => rig.Store.AcquireAsync(missing, 0, new("a")).AsTask());
            await FailsAsync("AcquireQuarantineAsync", name, () => rig.Store.AcquireQuarantineAsync(missing, "a", 0).AsTask());
            if (pauses) await FailsAsync("PauseGroupAsync", name, () => rig.Store.PauseGroupAsync(missing, true).AsTask());
            Expect.Equal(null, await rig.Store.FindGroupAsync(missing), $"what FindGroupAsync finds of {missing}");
        }
    }

    public static async Task ACallThatNamesAMissingStreamFails(Rig rig)
    {
        const string missing = "no-stream";
        await rig.PrepareAsync();
        using var batch = new EntryBatch();
        batch.Add(Bytes("a").Span);
        await FailsAsync("AddGroupAsync", missing, () => rig.Store.AddGroupAsync(NoStream).AsTask());
        await FailsAsync("OpenProducerAsync", missing, () => rig.Store.OpenProducerAsync(missing, "p").AsTask());
        await FailsAsync("AppendAsync", missing, () => rig.Store.AppendAsync(new(missing, "p", 0, 1, batch)).AsTask());
        await FailsAsync("EndStreamAsync", missing, () => rig.Store.EndStreamAsync(missing, StreamEnd.Complete).AsTask());
        await FailsAsync("ReadAsync", missing, () => rig.Store.ReadAsync(new(missing, 0, 1)).AsTask());
        await FailsAsync("OpenReaderAsync", missing, () => rig.Store.OpenReaderAsync(missing, "r").AsTask());
        await FailsAsync("WaitForChangeAsync", missing, () => rig.Store.WaitForChangeAsync(missing, -1).AsTask());
        await FailsAsync("WaitForEntriesAsync", missing, () => rig.Store.WaitForEntriesAsync(missing, [0], -1).AsTask());
        Expect.Equal(null, await rig.Store.FindStreamAsync(missing), "what FindStreamAsync finds");
        Expect.Same([Orders, Results], await rig.Store.ListStreamsAsync(), "streams, afterwards");
    }

    public static async Task ARemovalSaysWhetherThereWasSomething(Rig rig)
    {
        await rig.PrepareAsync();
        foreach (GroupId missing in new[] { NoGroup, NoStream })
            Expect.Equal(false, await rig.Store.RemoveGroupAsync(missing), $"{missing} was there to remove");
        Expect.Equal(true, await rig.Store.RemoveGroupAsync(Main), "the group was there to remove");
        Expect.Equal(false, await rig.Store.RemoveGroupAsync(Main), "the group was there to remove, the second time");
        Expect.Equal(false, await rig.Store.DeleteStreamAsync("no-stream"), "a missing stream was there to delete");
        Expect.Equal(true, await rig.Store.DeleteStreamAsync(Orders), "the stream was there to delete");
        await rig.ReopenAsync(kill: true);
        Expect.Equal(false, await rig.Store.DeleteStreamAsync(Orders), "the stream was there to delete, after a restart");
    }

    private static async Task FailsAsync(string call, string name, Func<Task> action)
    {
        var failure = await Expect.ThrowsAsync<StreamStoreException>(action, $"{call} of {name}, which does not exist");
        Expect.True(failure.Message.Contains(name, StringComparison.Ordinal), $"the error of {call} names {name}: {failure.Message}");
    }
}
