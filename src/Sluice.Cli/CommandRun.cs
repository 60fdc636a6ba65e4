using System.Collections.Concurrent;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;

namespace Sluice.Cli;

/// <summary>One run of a command: its arguments, its output, and its store.</summary>
internal sealed class CommandRun
{
    private readonly ParseResult parsed;
    private readonly CancellationToken cancellation;
    private readonly ConcurrentDictionary<string, bool> told = new(StringComparer.Ordinal);
    private Pager? pager;

    private CommandRun(ParseResult parsed, bool isPaged, CancellationToken cancellation)
    {
        (this.parsed, this.cancellation) = (parsed, cancellation);
        IsPaged = isPaged && !parsed.GetValue(Json) && !parsed.GetValue(NoPager);
        Screen = new(OpenOutput, parsed.GetValue(Json));
    }

    /// <summary>The option that every command has.</summary>
    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Write JSON instead of text.",
        Recursive = true
    };

    /// <summary>The option that turns the pager off.</summary>
    public static Option<bool> NoPager { get; } = new("--no-pager")
    {
        Description = "Do not show long output page by page.",
        Recursive = true
    };

    public Screen Screen { get; }

    /// <summary>Whether a terminal shows the output page by page; to be decided before the first output.</summary>
    public bool IsPaged { get; set; }

    public CancellationToken Cancellation => cancellation;

    /// <summary>The sentences to add to a failure of the store: the state of the work, and what to do.</summary>
    public string? WhenBroken { get; set; }

    /// <summary>The group that the command changes; null if it has found none.</summary>
    public GroupId? Group { get; set; }

    /// <summary>The exit code of a command that has come to its end: what is damaged was left out.</summary>
    public int Ended { get; private set; } = ExitCodes.Fine;

    /// <summary>Makes an inspector that leaves damaged streams out of its lists, with a warning.</summary>
    public StoreInspector Inspect(IStreamStore store) => new(store) { OnWarning = WarnOfDamage };

    /// <summary>Reports something damaged that the command leaves out.</summary>
    public void WarnOfDamage(string warning)
    {
        Ended = ExitCodes.Found;
        if (told.TryAdd(warning, true)) Warn(warning);
    }

    /// <summary>Looks at a group of a list. If its stream is damaged, the list leaves the group out, with a warning.</summary>
    /// <returns>What the look has found; null if the group was left out.</returns>
    public async Task<T?> LookAsync<T>(GroupId group, Func<Task<T?>> look) where T : class
    {
        try
        {
            return await look().ConfigureAwait(false);
        }
        catch (StreamStoreException damage) when (damage.IsPermanent && damage.Stream == group.Stream)
        {
            WarnOfDamage($"The group {GroupNames.Of(group)} is left out: {damage.Message}");
            return null;
        }
    }

    public T? Value<T>(Option<T> option) => parsed.GetValue(option);

    public T Value<T>(Argument<T> argument) => parsed.GetValue(argument)!;

    /// <summary>Opens the store of the command for reading.</summary>
    public ValueTask<IStreamStore> OpenAsync() => OpenAsync(StreamStores.OpenReadOnlyAsync);

    /// <summary>Opens the store of the command for changes.</summary>
    public ValueTask<IStreamStore> OpenToChangeAsync() => OpenAsync(StreamStores.OpenToChangeAsync);

    /// <summary>Opens the store of the command for writing, which creates a SQLite file that does not exist.</summary>
    public ValueTask<IStreamStore> OpenToWriteAsync() => OpenAsync(StreamStores.OpenAsync);

    /// <summary>The text of the store, with a name from <c>sluice.json</c> replaced.</summary>
    public string StoreText => field ??= StoreNames.Resolve(Given);

    /// <summary>The first argument, as it was given.</summary>
    public string Given => parsed.GetValue<string>("STORE")!;

    /// <summary>Reports something that does not end the command, on standard error.</summary>
    public static void Warn(string warning) => Tell(warning);

    /// <summary>Makes a command whose first argument is a store, and whose output is short or has no end.</summary>
    public static Command Create(string name, string description, Func<CommandRun, Task<int>> run, params Symbol[] symbols)
        => Create(name, description, run, isPaged: false, symbols);

    /// <summary>Makes a command whose first argument is a store.</summary>
    public static Command Create(string name, string description, Func<CommandRun, Task<int>> run, bool isPaged, params Symbol[] symbols)
    {
        var command = new Command(name, description);
        var store = new Argument<string>("STORE")
        { Description = "sqlite:FILE, redis:HOST:PORT, postgres:CONNECTION, or a name from sluice.json." };
        store.CompletionSources.Add(static _ => StoreNames.Known().Select(static known => new CompletionItem(known)));
        command.Arguments.Add(store);
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument) command.Arguments.Add(argument);
            else command.Options.Add((Option)symbol);
        }
        command.SetAction((parsed, cancellation) => GuardAsync(new(parsed, isPaged, cancellation), run));
        return command;
    }

    public static async Task<int> StartAsync(RootCommand root, string[] arguments)
    {
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        bool isCompletion = arguments is [var first, ..] && first.StartsWith("[suggest", StringComparison.Ordinal);
        Command command = parsed.CommandResult.Command;
        if (parsed.Errors.Count > 0 && !isCompletion)
            return Fail(ExitCodes.Usage, $"{(parsed.UnmatchedTokens is [var unmatched, ..] ? Unmatched(unmatched, command)
                : parsed.Errors[0].Message)} See sluice --help.");
        if (!isCompletion && UnknownOption(parsed) is { } unknown)
            return Fail(ExitCodes.Usage, $"Unrecognized option '{unknown}'.{Spelling.Suggest(unknown, command)} Write -- before a name "
                + "that begins with a hyphen. See sluice --help.");
        using var interrupts = new Interrupts();
        try
        {
            return interrupts.Apply(await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = new CommandOutput(Console.Out),
            }, interrupts.Token).ConfigureAwait(false));
        }
        catch (OutputException failure)
        {
            return Fail(ExitCodes.Found, Unwritable(failure));            // of the help, and of commands without a store
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Fail(ExitCodes.Found, Unexpected(failure));            // of something that was to be read
        }
    }

    /// <summary>Ends a text with a period, if it has none.</summary>
    public static string Sentence(string text) => text.EndsWith('.') ? text : text + ".";

    /// <summary>Runs a command without a store.</summary>
    public static int Guard(Func<int> run)
    {
        try
        {
            return run();
        }
        catch (CommandException failure)
        {
            return Fail(failure.ExitCode, failure.Message);
        }
    }

    private static string Unmatched(string word, Command command)
        => $"Unrecognized command or argument: {(word.StartsWith('-') ? $"'{word}'" : StoreNames.Shown(word))}."
            + Spelling.Suggest(word, command);

    // The parser takes an option that it does not know for the next argument, for example for the id of a letter.
    private static string? UnknownOption(ParseResult parsed)
    {
        HashSet<string> values = [.. parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(static one => one.Tokens)
            .Select(static token => token.Value)];
        return parsed.Tokens.TakeWhile(static token => token.Type != TokenType.DoubleDash)
            .FirstOrDefault(token => token.Type == TokenType.Argument && token.Value is ['-', _, ..] && values.Contains(token.Value))
            ?.Value;
    }

    // A person at a terminal sees why nothing happens. After that, and for a script, the line with the failure suffices.
    private async ValueTask<IStreamStore> OpenAsync(Func<string, Action<string>?, CancellationToken, ValueTask<IStreamStore>> open)
    {
        bool isOpening = !Console.IsErrorRedirected;
        try
        {
            IStreamStore opened = await StoreNames.OpenAsync(StoreText, (store, token) => open(store, Tell, token), cancellation)
                .ConfigureAwait(false);
            if (opened.Loss is { } loss) Warn(loss);
            return opened;
        }
        finally
        {
            Volatile.Write(ref isOpening, false);
        }

        void Tell(string text)
        {
            if (Volatile.Read(ref isOpening)) Warn(text);
        }
    }

    private TextWriter OpenOutput() => IsPaged && (pager = Pager.Start()) is not null ? pager.Input : Console.Out;

    private static async Task<int> GuardAsync(CommandRun command, Func<CommandRun, Task<int>> run)
    {
        try
        {
            return await command.RunAsync(run).ConfigureAwait(false);
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
            string? method = Method(command.parsed.CommandResult.Command.Name, command.Group);
            return Fail(ExitCodes.Unreachable, $"{StreamStores.WithoutSecrets(command.StoreText)} is open in another process, and only "
                + "that process can change it, but it takes no changes from here. Stop the process and repeat the command, or let the "
                + $"process make the change{(method is null ? "" : $" ({method})")}.");
        }
        catch (StreamStoreException failure)
        {
            return Fail(ExitCodes.Unreachable, command.WhenBroken is { } then ? $"{Sentence(failure.Message)} {then}" : failure.Message);
        }
        catch (Exception failure)
        {
            return Fail(ExitCodes.Found, Unexpected(failure));
        }
    }

    // A group of another name than its stream has no consecutor: for example the hosts of a processor.
    private static string? Method(string verb, GroupId? changed)
    {
        bool isConsecutor = changed is not { } one || one.Name == one.Stream;
        string group = isConsecutor ? "" : $"new(\"{changed!.Value.Stream}\", \"{changed.Value.Name}\")";
        return verb switch
        {
            "pause" => isConsecutor ? "Consecutor.PauseAsync" : $"IStreamStore.PauseGroupAsync({group}, true)",
            "drain" => isConsecutor ? "Consecutor.DrainAsync" : $"IStreamStore.DrainGroupAsync({group})",
            "resume" => isConsecutor ? "Consecutor.ResumeAsync" : $"IStreamStore.PauseGroupAsync({group}, false)",
            "discard" => isConsecutor ? "Consecutor.DeleteDeadLettersAsync" : $"IStreamStore.DeleteDeadAsync({group}, numbers)",
            "redrive" => isConsecutor ? "Consecutor.RedriveAsync" : $"IStreamStore.RedriveAsync({group}, numbers)",
            _ => null,
        };
    }

    // The pager ends before a failure is written below what it has shown.
    private async Task<int> RunAsync(Func<CommandRun, Task<int>> run)
    {
        try
        {
            return await run(this).ConfigureAwait(false);
        }
        catch (OutputException) when (pager is { HasEnded: true })
        {
            return ExitCodes.Fine;                   // the user has left it before the end
        }
        catch (OutputException failure)
        {
            throw new CommandException(ExitCodes.Found, Unwritable(failure));
        }
        finally
        {
            if (pager is not null) await pager.CloseAsync().ConfigureAwait(false);
        }
    }

    private static int Fail(int exitCode, string message)
    {
        Tell(message);
        return exitCode;
    }

    // A daemon may have closed standard error: the exit code says what has happened.
    private static void Tell(string message)
    {
        try
        {
            Console.Error.WriteLine($"sluice: {Clean.Text(message)}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // There is no other place for the message.
        }
    }

    private static string Unexpected(Exception failure) => $"{failure.Message} ({failure.GetType().Name})";

    private static string Unwritable(Exception failure) => $"The output cannot be written: {failure.Message}";
}
