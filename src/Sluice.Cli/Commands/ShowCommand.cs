namespace Sluice.Cli.Commands;

/// <summary><c>sluice show STORE STREAM</c>.</summary>
internal static class ShowCommand
{
    private const int MaxText = 200;

    private static readonly Argument<string> Stream = new("STREAM") { Description = "The stream or consecutor." };

    private static readonly Option<bool> Follow = new("--follow", "-f")
    {
        Description = "Go on with entries that are appended later, until Ctrl+C."
    };

    private static readonly Option<string> Key = new("--key") { HelpName = "KEY", Description = "Only entries with this key." };

    private static readonly Option<int> Max = NumberOption.Of("--max", "N",
        "The maximum number of entries that are shown before --follow; 0 to 100000.", 20);

    private static readonly Option<bool> Full = new("--full") { Description = "Show payloads in full length." };

    public static Command Create()
        => CommandRun.Create("show", "Shows a stream and its last entries.", RunAsync, isPaged: true, Stream, Follow, Key, Max, Full);

    private static async Task<int> RunAsync(CommandRun command)
    {
        int max = command.Value(Max);
        if (max is < 0 or > 100_000) throw CommandException.Usage($"--max is 0 to 100000, not {max}.");
        if (command.Value(Follow)) command.IsPaged = false;
        string name = command.Value(Stream);
        await using IStreamStore store = await command.OpenAsync();
        StreamLook stream = await new StoreInspector(store).FindAsync(name, command.Cancellation)
            ?? throw CommandException.NotFound(
                $"The store has no stream '{name}'.{await NearNamesOfStore.StreamsAsync(command, store, name)}");
        EntryKey key = command.Value(Key) is { } text ? EntryKey.Of(text) : default;
        if (!command.Screen.IsJson) WriteHead(command.Screen, stream);
        var tail = new EntryTail(store, stream.Info, key);
        IReadOnlyList<TailEntry> last = await tail.LastAsync(max, command.Cancellation);
        if (last.Count > 0 && !command.Screen.IsJson) command.Screen.Line();
        Write(command, last);
        if (!command.Value(Follow)) return Ended();
        command.WhenBroken = "The command has ended, and what is appended from now on is not shown: repeat it when the store answers.";
        try
        {
            while (true)
            {
                Write(command, await tail.NextAsync(command.Cancellation));
                if (tail.HasEnded) return Ended();
            }
        }
        catch (OperationCanceledException) when (command.Cancellation.IsCancellationRequested)
        {
            return ExitCodes.Fine;                   // Ctrl+C is how following ends
        }

        int Ended() => tail.HasDamage ? ExitCodes.Found : ExitCodes.Fine;
    }

    private static void WriteHead(Screen screen, StreamLook stream)
    {
        StreamInfo info = stream.Info;
        screen.Line($"{Clean.Text(stream.Name)}: {StreamForm.KindOf(stream)}, {StreamForm.StateOf(info)}, "
            + (info.Options.Partitions == 1 ? "1 partition" : $"{info.Options.Partitions} partitions"));
        screen.Line($"{Clean.Count(info.Appended)} appended, {Clean.Count(info.Items)} kept ({Clean.Size(info.Bytes)}); "
            + RoomOf(info.Options));
        if (info.End?.Failure is { } failure) screen.Problem(Clean.Text(failure));
        foreach (GroupBacklogLook group in stream.Groups)
            screen.Line($"group {Clean.Text(group.Backlog.Name)}: backlog {Clean.Count(group.Backlog.Outstanding)}, waiting "
                + $"{Clean.Count(group.Backlog.Waiting)}, dead {Clean.Count(group.Backlog.Dead)}"
                + (group.Backlog.PausedAt is { } since
                    ? $", {(group.Backlog.IsDraining ? "draining" : "paused")} since {Clean.Time(since)}" : ""));
        foreach (ReaderInfo reader in info.Readers)
            screen.Line($"reader {Clean.Text(reader.Name)}: backlog {Clean.Count(reader.Backlog)}");
    }

    private static void Write(CommandRun command, IReadOnlyList<TailEntry> entries)
    {
        foreach ((EntryId id, Entry? entry, DateTimeOffset time) in entries)
        {
            string? text = entry is { } sound ? Clean.Utf8(sound.Payload.Span) : null;
            if (command.Screen.IsJson)
                command.Screen.JsonLine(new
                {
                    Id = entry is null ? null : id.ToString(),
                    id.Partition,
                    id.Sequence,
                    entry?.Time,
                    entry?.CodeVersion,
                    Text = text,
                    Base64 = text is null && entry is { } bytes ? Convert.ToBase64String(bytes.Payload.Span) : null,
                    IsDamaged = entry is null,
                });
            else if (entry is { } shown)
                command.Screen.Line($"{Clean.Time(time)}  {Clean.Text(id.ToString())}  "
                    + Clean.Payload(shown.Payload, command.Value(Full) ? int.MaxValue : MaxText));
            else
                command.Screen.Problem($"{Clean.Text($"{id.Stream}/{id.Partition}/{id.Sequence}")}  (damaged in the store; "
                    + "'sluice check' says how)");
        }
    }

    private static string RoomOf(StreamOptions options) => (options.MaxItems == long.MaxValue, options.MaxBytes == long.MaxValue) switch
    {
        (true, true) => "no bound",
        (true, false) => $"room for {Clean.Size(options.MaxBytes)}",
        (false, true) => $"room for {Clean.Count(options.MaxItems)}",
        _ => $"room for {Clean.Count(options.MaxItems)} or {Clean.Size(options.MaxBytes)}",
    };
}
