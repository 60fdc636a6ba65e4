using System.Collections.Concurrent;
using Spectre.Console;

namespace Sluice.Cli.Commands;

/// <summary><c>sluice top STORE</c>.</summary>
internal static class TopCommand
{
    private static readonly string[] Headers =
        ["NAME", ">IN/S", ">DONE/S", ">BACKLOG", ">FLIGHT", ">WAITING", ">DEAD", ">OLDEST", ">OWNERS", "NOTE"];

    // The time after which the screen says that it waits for the store.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly Option<double> Interval = NumberOption.Of("--interval", "SECONDS",
        "The time between two looks; 0.5 to 3600.", 1.0);

    private static readonly Option<int> Rows = NumberOption.Of("--rows", "N",
        "The number of streams that are shown, those with the largest backlog first; 1 to 1000.", 20);

    public static Command Create()
        => CommandRun.Create("top", "Shows rates and backlogs, and goes on until Ctrl+C; once if there is no terminal.", RunAsync, Interval,
            Rows);

    private static async Task<int> RunAsync(CommandRun command)
    {
        (double seconds, int rows) = (command.Value(Interval), command.Value(Rows));
        if (seconds is not (>= 0.5 and <= 3600)) throw CommandException.Usage("--interval is 0.5 to 3600 seconds.");
        if (rows is < 1 or > StoreInspector.MaxPage) throw CommandException.Usage($"--rows is 1 to {StoreInspector.MaxPage}, not {rows}.");
        await using IStreamStore store = await command.OpenAsync();
        var pause = TimeSpan.FromSeconds(seconds);
        if (command.Screen.IsJson || !Screen.IsTerminal)
        {
            var looks = new TopLooks(store, rows, command.Inspect(store));
            await looks.LookAsync(isFull: true, withDetails: true, command.Cancellation);         // rates need two looks
            await Task.Delay(pause, TimeProvider.System, command.Cancellation);
            IReadOnlyList<TopRow> found = await looks.LookAsync(isFull: true, withDetails: true, command.Cancellation);
            if (command.Screen.IsJson) command.Screen.Json(found);
            else if (found.Count == 0) command.Screen.Line("no streams");
            else command.Screen.Table(Headers, [.. found.Select(static row => row.Cells())]);
            return command.Ended;
        }
        ConcurrentQueue<string> damaged = [];
        var all = new TopLooks(store, rows, new(store) { OnWarning = damaged.Enqueue }, damaged);
        await FollowAsync(all, StreamStores.WithoutSecrets(command.StoreText), pause, command.Cancellation);
        return ExitCodes.Fine;
    }

    // The screen goes on while the store is away, and says so.
    private static async Task FollowAsync(TopLooks looks, string title, TimeSpan pause, CancellationToken cancellation)
    {
        if (!Screen.HasColor) AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
        try
        {
            var board = new TopBoard(Headers, title, await looks.LookAsync(isFull: true, withDetails: false, cancellation));
            await AnsiConsole.Live(board.Draw(AnsiConsole.Profile.Width)).AutoClear(false).Cropping(VerticalOverflowCropping.Bottom)
                .StartAsync(async live =>
            {
                live.Refresh();
                while (true)
                {
                    Task<IReadOnlyList<TopRow>> look = looks.LookAsync(isFull: false, withDetails: true, cancellation);
                    while (await Task.WhenAny(look, Task.Delay(Patience, TimeProvider.System, cancellation)) != look)
                    {
                        cancellation.ThrowIfCancellationRequested();
                        board.Wait();
                        live.UpdateTarget(board.Draw(AnsiConsole.Profile.Width));
                    }
                    try
                    {
                        board.Show(await look);
                    }
                    catch (StreamStoreException failure)
                    {
                        board.Fail(failure.Message);
                    }
                    live.UpdateTarget(board.Draw(AnsiConsole.Profile.Width));
                    await Task.Delay(pause, TimeProvider.System, cancellation);
                }
            });
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl+C is how the command ends.
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The terminal was closed. The signal of that may come a moment later.
            await Task.Delay(Patience, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!cancellation.IsCancellationRequested) throw new OutputException(failure.Message, failure);
        }
    }
}
