using System.CommandLine.Help;
using Sluice.Cli.Commands;

namespace Sluice.Cli;

/// <summary>The command <c>sluice</c>.</summary>
internal static class Program
{
    public static Task<int> Main(string[] arguments) => CommandRun.StartAsync(CreateRoot(), arguments);

    /// <summary>The command with all its subcommands. Tests go through them, so that each one has its tests.</summary>
    internal static RootCommand CreateRoot()
    {
        var root = new RootCommand("Looks into Sluice stores. STORE is sqlite:FILE, redis:HOST:PORT, postgres:CONNECTION, "
            + "or a name from sluice.json.")
        {
            StreamsCommand.Create(),
            ShowCommand.Create(),
            DeadCommand.Create(),
            LetterChangeCommand.Redrive(),
            LetterChangeCommand.Discard(),
            PauseCommand.Pause(),
            PauseCommand.Drain(),
            PauseCommand.Resume(),
            MembersCommand.Create(),
            FlowCommands.List(),
            FlowCommands.Show(),
            TopCommand.Create(),
            DashboardCommand.Create(),
            StoreCommands.Check(),
            StoreCommands.Backup(),
            SchemaCommand.Create(),
            GraphCommand.Create(),
            BenchCommand.Create(),
            CompletionCommand.Create(),
        };
        foreach (HelpOption help in root.Options.OfType<HelpOption>())         // completions have no /h and /?
            foreach (string alias in (string[])["/h", "/?"]) help.Aliases.Remove(alias);
        root.Options.Add(CommandRun.Json);
        root.Options.Add(CommandRun.NoPager);
        return root;
    }
}
