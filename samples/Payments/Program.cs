using Payments;
using Payments.Driving;
using Payments.Serving;

// The path of a payment: Serving/Server (HTTP) or Serving/Intake (TCP) -> Serving/Bank (Validate, RunningBalance; then the ledger) -> files
// and Serving/Answers.
// Driving/ is the other side: it sends, kills and compares.
try
{
    if (Options.Parse(args) is not { } options) return 0;
    using var interrupts = new Interrupts(() =>
    {
        if (options.Serve is not null) Console.WriteLine(
            $"stopping  ends what is under way, for {Service.LongestStop.TotalSeconds} s at most; Ctrl+C again ends it at once");
    });
    if (options.Drive is { } drive) return await Drive.RunAsync(drive, interrupts.Stop) ? 0 : 1;
    ParentProcess.Watch();
    return await ServeAsync(options.Serve!, interrupts.Stop);
}
catch (UserMistake mistake)
{
    return Fail(2, mistake.Message);
}
catch (Exception unexpected)
{
    return Fail(1, $"{unexpected.GetType().Name}: {unexpected.Message}");
}

// A store that does not answer holds up whatever ends as it should. It has what was accepted, so the process may end without it.
static async Task<int> ServeAsync(ServeOptions options, CancellationToken stop)
{
    var serving = Service.RunAsync(options, stop);
    var asked = Task.Delay(Timeout.Infinite, stop);
    if (await Task.WhenAny(serving, asked) == asked
        && await Task.WhenAny(serving, Task.Delay(Service.LongestStop, CancellationToken.None)) != serving)
        return Fail(3,
            $"stopped after {Service.LongestStop.TotalSeconds} s, because the store {options.Files.Store} does not answer. It has "
                + $"everything that was accepted; the next start goes on.");
    await serving;
    return 0;
}

// One line, whatever is in the message.
static int Fail(int exitCode, string message)
{
    Console.Error.WriteLine($"payments: {string.Concat(message.Select(character => char.IsControl(character) ? ' ' : character))}");
    return exitCode;
}
