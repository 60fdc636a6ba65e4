using Sluice.Sqlite;

namespace Sluice.Cli.Commands;

/// <summary><c>sluice check STORE</c> and <c>sluice backup STORE FILE</c>.</summary>
internal static class StoreCommands
{
    private static readonly Argument<string> Target = new("FILE") { Description = "The new file." };

    // What messages about damage advise a program, and not the user of this command.
    private static readonly string[] Advice =
    [
        ", call CheckAsync to see what is affected,", "; CheckAsync lists everything that is damaged", "; CheckAsync lists what is damaged",
    ];

    public static Command Check() => CommandRun.Create("check", "Reads everything and compares all checksums.", CheckAsync, isPaged: true);

    public static Command Backup()
        => CommandRun.Create("backup", "Copies a SQLite store into a new file, also while it is in use.", BackupAsync, Target);

    private static async Task<int> CheckAsync(CommandRun command)
    {
        try
        {
            return await ReadAllAsync(command);
        }
        catch (StreamStoreException damage) when (IsDamage(damage))
        {
            // So damaged that the check cannot begin, or go on: that is found, too.
            throw CommandException.NotFound(Advice.Aggregate(damage.Message,
                static (message, one) => message.Replace(one, "", StringComparison.Ordinal)));
        }
    }

    // A store of another version, or one that is not there, is permanent, too; each message about damage ends with this advice.
    private static bool IsDamage(StreamStoreException failure)
        => failure.IsPermanent && (failure.Message.Contains("restore a backup", StringComparison.OrdinalIgnoreCase)
            || failure.Message.Contains("from a backup", StringComparison.Ordinal));

    private static async Task<int> ReadAllAsync(CommandRun command)
    {
        await using IStreamStore store = await command.OpenAsync();
        command.WhenBroken = "The check is not complete: repeat it when the store answers.";
        IntegrityReport report = await store.CheckAsync(command.Cancellation);
        if (command.Screen.IsJson) command.Screen.Json(new { report.Entries, report.Problems });
        else
        {
            foreach (string problem in report.Problems) command.Screen.Problem(Clean.Text(problem));
            command.Screen.Line($"{Clean.Count(report.Entries)} entries checked, "
                + $"{(report.Problems.Count == 0 ? "no damage" : $"{Clean.Count(report.Problems.Count)} damaged places")}");
        }
        return report.Problems.Count == 0 ? ExitCodes.Fine : ExitCodes.Found;
    }

    private static async Task<int> BackupAsync(CommandRun command)
    {
        if (StoreNames.FileOf(command.StoreText) is not { } file)
            throw CommandException.Usage("sluice backup copies SQLite stores. Redis copies itself: redis-cli -h HOST -p PORT --rdb FILE "
                + "writes a consistent copy here, and redis-cli BGSAVE writes one on the server. For PostgreSQL, use pg_dump "
                + "--schema=SCHEMA, which writes a consistent copy.");
        string target = command.Value(Target);
        await StoreNames.WithPathAsync(() => SqliteStreamStore.BackupAsync(file, target, command.Cancellation));
        target = Path.GetFullPath(target);
        long bytes = new FileInfo(target).Length;
        if (command.Screen.IsJson) command.Screen.Json(new { File = target, Bytes = bytes });
        else command.Screen.Line($"copied to {Clean.Text(target)} ({Clean.Size(bytes)})");
        return ExitCodes.Fine;
    }
}
