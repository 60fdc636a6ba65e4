using System.CommandLine.Parsing;
using Sluice.Cli.Output;
using Sluice.Cli.Stores;

namespace Sluice.Cli;

/// <summary>One run of a command: its arguments, its output, and its store.</summary>
internal sealed class CommandRun(ParseResult parsed, CancellationToken cancellation)
{
    /// <summary>The option that every command has.</summary>
    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Write JSON instead of text.",
        Recursive = true
    };

    public Screen Screen { get; } = new(Console.Out, parsed.GetValue(Json));

    public CancellationToken Cancellation => cancellation;

    public T? Value<T>(Option<T> option) => parsed.GetValue(option);

    public T Value<T>(Argument<T> argument) => parsed.GetValue(argument)!;

    /// <summary>Opens the store of the command for reading.</summary>
    public ValueTask<IStreamStore> OpenAsync() => StoreNames.OpenAsync(StoreText, StreamStores.OpenReadOnlyAsync, cancellation);

    /// <summary>Opens the store of the command for changes.</summary>
    public ValueTask<IStreamStore> OpenToChangeAsync() => StoreNames.OpenAsync(StoreText, StreamStores.OpenAsync, cancellation);

    /// <summary>The text of the store, with a name from <c>sluice.json</c> replaced.</summary>
    public string StoreText => field ??= StoreNames.Resolve(parsed.GetValue<string>("STORE")!);

    /// <summary>Makes a command whose first argument is a store.</summary>
    public static Command Create(string name, string description, Func<CommandRun, Task<int>> run, params Symbol[] symbols)
    {
        var command = new Command(name, description);
        command.Arguments.Add(new Argument<string>("STORE") { Description = "sqlite:FILE, redis:HOST:PORT, or a name from sluice.json." });
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument) command.Arguments.Add(argument);
            else command.Options.Add((Option)symbol);
        }
        command.SetAction((parsed, cancellation) => GuardAsync(new(parsed, cancellation), run));
        return command;
    }

    public static async Task<int> StartAsync(RootCommand root, string[] arguments)
    {
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
            return Fail(ExitCodes.Usage, (parsed.UnmatchedTokens.Count > 0
                ? $"Unrecognized command or argument '{parsed.UnmatchedTokens[0]}'."
                : parsed.Errors[0].Message) + " See sluice --help.");
        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
    }

    private static async Task<int> GuardAsync(CommandRun command, Func<CommandRun, Task<int>> run)
    {
        try
        {
            return await run(command).ConfigureAwait(false);
        }
        catch (CommandException failure)
        {
            return Fail(failure.ExitCode, failure.Message);
        }
        catch (OperationCanceledException) when (command.Cancellation.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
        catch (StoreInUseException)
        {
            return Fail(ExitCodes.Unreachable, $"{StreamStores.WithoutSecrets(command.StoreText)} is open in another process, and only "
                + "that process can change it. Stop the process and repeat the command, or let the process make the change "
                + "(Consecutor.RedriveAsync, DeleteDeadLettersAsync).");
        }
        catch (StreamStoreException failure)
        {
            return Fail(ExitCodes.Unreachable, failure.Message);
        }
        catch (Exception failure)
        {
            return Fail(ExitCodes.Found, $"{failure.Message} ({failure.GetType().Name})");
        }
    }

    private static int Fail(int exitCode, string message)
    {
        Console.Error.WriteLine($"sluice: {Clean.Text(message)}");
        return exitCode;
    }
}
