// Processors over streams, connected by the names of their inputs and outputs: foobar makes n multiples, one after the other, and they
// are printed as they are made.
using System.CommandLine;
using System.Runtime.CompilerServices;
using Foobar;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice;
using Sluice.Hosting;

var foo = new Option<int>("--foo") { Description = "How many values to make, zero or more. Default: 5", DefaultValueFactory = _ => 5 };
var multiplier = new Option<int>("--multiplier") { Description = "What each is multiplied by. Default: 2", DefaultValueFactory = _ => 2 };
var processes = new Option<int>("--processes") { Description = "How many child processes execute the processor, 0 to 256; none, this process. Default: 0" };
processes.Validators.Add(result => { if (result.GetValueOrDefault<int>() is < 0 or > 256) result.AddError("--processes must be from 0 to 256."); });
foo.Validators.Add(result => { if (result.GetValueOrDefault<int>() < 0) result.AddError("--foo must be zero or more."); });
var command = new RootCommand("Prints 0, m, 2m, … by a flow of one processor.") { foo, multiplier, processes };
command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(foo), parsed.GetValue(multiplier), parsed.GetValue(processes), cancellation));
return await command.Parse(args).InvokeAsync();

static async Task<int> RunAsync(int foo, int multiplier, int processes, CancellationToken cancellation)
{
    var foobar = new Processor("foobar") { Inputs = ["foo"], Outputs = ["bar"] };

    // The service that hosts the processor, and starts the flow: often these are two.
    HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
    builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
    builder.Services.AddSingleton(new Multiplier(multiplier));
    builder.Services.AddSluice(sluice => sluice.Supervisor = new() { Executor = processes > 0 ? Executor.Processes(processes) : null }).AddProcessor(foobar, MultiplyAsync);
    using IHost host = builder.Build();
    await host.StartAsync(cancellation);          // a child process executes the processor here, and ends

    var supervisor = host.Services.GetRequiredService<ISupervisor>();
    await using (FlowRun run = await supervisor.StartAsync(Flow.From(foobar).Resolve(), [IOVal.Of("foo", foo)], cancellation: cancellation))
    {
        await foreach (int value in run.Output<int>("bar").StreamAsync(cancellation)) Console.WriteLine(value);
    }
    await host.StopAsync(cancellation);
    return 0;
}

static async IAsyncEnumerable<IOVal> MultiplyAsync(IO<int> foo, Multiplier multiplier, [EnumeratorCancellation] CancellationToken cancellation)
{
    int n = await foo.FirstAsync(cancellation);
    for (int i = 0; i < n; i++) yield return IOVal.Of("bar", i * multiplier.Value);
}
