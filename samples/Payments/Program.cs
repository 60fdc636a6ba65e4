using Payments;
using Payments.Driving;
using Payments.Serving;

// The path of a payment: Serving/Server (HTTP) or Serving/Intake (TCP) -> Serving/Bank (Validate, RunningBalance; then the ledger) -> files and Serving/Answers.
// Driving/ is the other side: it sends, kills and compares.
try
{
    if (Options.Parse(args) is not { } options) return 0;
    using var interrupts = new Interrupts();
    if (options.Drive is { } drive) return await Drive.RunAsync(drive, interrupts.Stop) ? 0 : 1;
    await Service.RunAsync(options.Serve!, interrupts.Stop);
    return 0;
}
catch (UserMistake mistake)
{
    return Fail(2, mistake.Message);
}
catch (Exception unexpected)
{
    return Fail(1, $"{unexpected.GetType().Name}: {unexpected.Message}");
}

// One line, whatever is in the message.
static int Fail(int exitCode, string message)
{
    Console.Error.WriteLine($"payments: {string.Concat(message.Select(character => char.IsControl(character) ? ' ' : character))}");
    return exitCode;
}
