using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sluice.Hosting;

/// <summary>A mistake of the configuration, of the code that adds units to a host, or of the host's surroundings: the host does not start,
/// and a text without a stack trace says why.</summary>
/// <remarks>
/// A program ends with such a text and an exit code in this way:
/// <code>
/// try
/// {
///     var builder = WebApplication.CreateBuilder(args);
///     …
///     await app.RunAsync();
///     return Environment.ExitCode;
/// }
/// catch (Exception e) when (StartMistake.Find(e) is { } mistake)
/// {
///     return mistake.Report();
/// }
/// </code>
/// Without it, the exception leaves the program, and the runtime aborts the process. Other exceptions are errors of the program: they keep
/// their stack trace. Immutable.
/// </remarks>
public sealed partial class StartMistake
{
    private StartMistake(int exitCode, string text) => (ExitCode, Text) = (exitCode, text);

    /// <summary>What is wrong: one line, or a line for each setting.</summary>
    public string Text { get; }

    /// <summary>0: the host was asked to stop before it had started, which is no mistake. 1: a unit has failed for good during the start,
    /// and has stopped the host; the log has its stack trace. 2: the configuration or the code is wrong, or
    /// does not fit what is stored. 3: the store, or the file or the database of a sink, cannot be opened, the web server cannot listen at
    /// its address, or the start took longer than <c>HostOptions.StartupTimeout</c>.</summary>
    public int ExitCode { get; }

    /// <summary>Finds the mistake behind an exception that was thrown while a host was built or started.</summary>
    /// <returns>The mistake; null if the exception is something else.</returns>
    public static StartMistake? Find(Exception failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return failure switch
        {
            SettingsException wrong => new(Wrong, wrong.Message),
            StreamStoreException store => new(Unavailable, OneLine(store.Message)),
            SinkNotOpenedException sink => new(Unavailable, OneLine(sink.Message)),
            AddressException address => new(Unavailable, address.Message),
            StoppedStartException stop => new(Stopped, stop.Message),
            LateStartException late => new(Unavailable, late.Message),
            OperationCanceledException cancelled when StartAttempt.WhyStopped(cancelled) is { } why => Find(why),
            FailedStartException failed => new(Failed, OneLine(failed.Message)),
            InvalidDataException { InnerException: FormatException cause }
                when failure.Message.StartsWith("Failed to load configuration ", StringComparison.Ordinal)
                => new(Wrong, OneLine($"{failure.Message} {Why(cause)}")),
            FileNotFoundException when failure.Message.StartsWith("The configuration file '", StringComparison.Ordinal)
                => new(Wrong, OneLine(failure.Message)),
            AggregateException several => FindAll(several.InnerExceptions),
            _ => WiringException.IsWiring(failure) ? new(Wrong, OneLine(failure.Message)) : null,
        };
    }

    /// <summary>Writes the text to standard error.</summary>
    /// <returns>The exit code for the process.</returns>
    public int Report()
    {
        Console.Error.WriteLine(Text);
        return ExitCode;
    }

    /// <summary>Returns the text.</summary>
    public override string ToString() => Text;

    private const int Stopped = 0;
    private const int Failed = 1;
    private const int Wrong = 2;
    private const int Unavailable = 3;

    // One that is no mistake needs its stack trace, and so the others are shown with it.
    private static StartMistake? FindAll(IReadOnlyList<Exception> failures)
    {
        // What the container says of a service stands behind the name of each service that needs it.
        StartMistake?[] all = [.. failures.Select(static one => WiringException.IsWiring(one)
            ? new(Wrong, OneLine(one.GetBaseException().Message)) : Find(one))];
        if (all.Length == 0 || Array.Exists(all, static one => one is null)) return null;
        int code = Array.Find([Unavailable, Failed, Wrong], code => Array.Exists(all, one => one!.ExitCode == code));
        return new(code, string.Join('\n', all.Select(static one => one!.Text).Distinct()));
    }

    private static string Why(FormatException cause)
        => cause.InnerException is JsonException { LineNumber: { } line } json
            ? $"It is no JSON: line {line + 1}, {json.Message.Split(" LineNumber: ")[0]}" : cause.Message;

    /// <summary>Makes one line of the message of an exception, without the name of a parameter that .NET adds to it.</summary>
    internal static string OneLine(string text)
        => ParameterName.Replace(string.Join(' ', text.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries)), "");

    [GeneratedRegex(@" \(Parameter '[^']*'\)$")]
    private static partial Regex ParameterName { get; }
}
