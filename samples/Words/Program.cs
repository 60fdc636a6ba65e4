using Sluice;
using Sluice.Flows;
using Sluice.Storage;
using Words;
using Words.Driving;

// The flow is in WordFlow.cs, its extractor also in words.py. Extractors/ has what executes the extractor: this program, Python, Celery.
// Driving/ makes the files, starts the flow, and compares what came out with what went in.
try
{
    if (Options.Parse(args) is not { } options) return 0;
    using var interrupts = new Interrupts();
    return await Drive.RunAsync(options, interrupts.Stop);
}
catch (UserMistake mistake)
{
    return Fail(2, mistake.Message);
}
catch (OperationCanceledException)
{
    return Fail(130, "interrupted");
}
catch (Exception failure) when (failure is FlowException or StreamStoreException or IOException or UnauthorizedAccessException)
{
    return Fail(1, failure.Message);
}

static int Fail(int exitCode, string message)
{
    Console.Error.WriteLine($"words: {message}");
    return exitCode;
}
