using Files;
using Files.Driving;
using Files.Services;
using Sluice;
using Sluice.Storage;

// The flow is in Processors/WordFlow.cs. Driving/ makes the files, starts the flow, watches it and keeps the books; Services/ hosts the
// processors: in this process,
// or (--store redis:…) in three processes of this same program.
try
{
    if (ServiceArguments.Find(args) is { } service) return await ServiceProcess.RunAsync(service);
    if (Options.Parse(args) is not { } options) return 0;
    using var interrupts = new Interrupts(() => Say(Drive.Ending(options)));
    return await Drive.RunAsync(options, interrupts.Stop);
}
catch (UserMistake mistake)
{
    return Fail(2, mistake.Message);
}
catch (OverdueException overdue)
{
    return Fail(130, overdue.Message);
}
catch (OperationCanceledException)
{
    return Fail(130, "interrupted");
}
catch (Exception failure)
{
    return Fail(1, failure is Sluice.Storage.StreamStoreException or Sluice.Flows.FlowException or IOException
        or UnauthorizedAccessException or ServiceFailedException ? failure.Message : $"{failure.GetType().Name}: {failure.Message}");
}

static int Fail(int exitCode, string message)
{
    Say(message);
    return exitCode;
}

// One line, whatever is in the message.
static void Say(string message) => Console.Error.WriteLine(
    $"files: {string.Concat(message.Select(character => char.IsControl(character) ? ' ' : character))}");
