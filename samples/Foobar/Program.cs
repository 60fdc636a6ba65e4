// Processors over streams, connected by the names of their inputs and outputs: foobar makes n multiples, one after the other, and they
// are printed as they are made. The processor is in C#, or with --executor python in foobar.py.
using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using Foobar;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice;
using Sluice.Flows;
using Sluice.Hosting;

var foo = Number("--foo", 0, int.MaxValue, 5, "How many values to make.");
var multiplier = Number("--multiplier", int.MinValue, int.MaxValue, 2, "What each is multiplied by.");
var processes = Number("--processes", 0, 256, 0, "How many child processes execute the processor; none, this process.");
var executor = new Option<string>("--executor")
{
    Description = "What executes the processor: local, this program; python, foobar.py in child processes.",
    DefaultValueFactory = _ => "local",
};
executor.Validators.Add(static given =>
{
    string name = given.Tokens is [{ Value: var only }] ? only : "";
    if (given.Tokens.Count > 0 && name is not ("local" or "python")) given.AddError($"--executor must be local or python, not \"{name}\".");
});
var command = new RootCommand("Prints 0, m, 2m, … by a flow of one processor.") { foo, multiplier, processes, executor };
command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(foo), parsed.GetValue(multiplier), parsed.GetValue(processes),
    parsed.GetValue(executor) == "python", cancellation));
ParseResult parsed = command.Parse(args);
if (parsed.Errors.Count > 0) return Fail(2, $"{parsed.Errors[0].Message} See --help.");
try
{
    return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false });
}
catch (FlowException failure)
{
    return Fail(1, failure.Message);
}
catch (OperationCanceledException)
{
    return Fail(130, "interrupted");
}

static int Fail(int exitCode, string message)
{
    Console.Error.WriteLine($"foobar: {message}");
    return exitCode;
}

static Option<int> Number(string name, int least, int most, int usual, string description) => new(name)
{
    Description = description,
    DefaultValueFactory = _ => usual,
    CustomParser = given =>
    {
        if (int.TryParse(given.Tokens[0].Value, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most)
            return number;
        given.AddError($"{name} must be a whole number from {least} to {most}, not \"{given.Tokens[0].Value}\".");
        return usual;
    },
};

static async Task<int> RunAsync(int foo, int multiplier, int processes, bool isPython, CancellationToken cancellation)
{
    var foobar = new Processor("foobar") { Inputs = ["foo"], Outputs = ["bar"] };

    // The service that hosts the processor, and starts the flow: often these are two.
    HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
    builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
    builder.Services.AddSingleton(new Multiplier(multiplier));
    SluiceBuilder services = builder.Services.AddSluice(sluice =>
    {
        sluice.UseMemory();
        sluice.Supervisor = new() { Name = "foobar", Executor = processes > 0 && !isPython ? Executor.Processes(processes) : null };
    });
    if (isPython) services.AddProcessor(foobar, InPython(multiplier, Math.Max(processes, 1)));
    else services.AddProcessor(foobar, MultiplyAsync);
    using IHost host = builder.Build();
    await host.StartAsync(cancellation);          // a child process executes the processor here, and ends
    try
    {
        var supervisor = host.Services.GetRequiredService<ISupervisor>();
        await using FlowRun run = await supervisor.StartAsync(Flow.From(foobar).Resolve(), [IOVal.Of("foo", foo)],
            cancellation: cancellation);
        await foreach (int value in run.Output<int>("bar").StreamAsync(cancellation)) Console.WriteLine(value);
    }
    finally
    {
        await host.StopAsync(CancellationToken.None);                // also after Ctrl+C
    }
    return 0;
}

// The package sluice and foobar.py are beside this program.
static IExecutor InPython(int multiplier, int processes) => Executor.Python("foobar", new()
{
    MaxProcesses = processes,
    Python = new()
    {
        ImportPaths = [Path.Combine(AppContext.BaseDirectory, "python")],
        Environment = new Dictionary<string, string?> { ["FOOBAR_MULTIPLIER"] = multiplier.ToString(CultureInfo.InvariantCulture) },
    },
});

static async IAsyncEnumerable<IOVal> MultiplyAsync(IO<int> foo, Multiplier multiplier,
    [EnumeratorCancellation] CancellationToken cancellation)
{
    int n = await foo.FirstAsync(cancellation);
    for (int i = 0; i < n; i++) yield return IOVal.Of("bar", i * multiplier.Value);
}
