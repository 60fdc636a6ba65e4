using System.Diagnostics;
using Sluice.Flows;
using Sluice.Programs;
using Sluice.Storage;
using Sluice.Tests.Flows;
using Sluice.Tests.Processes;

namespace Sluice.Tests.Executors;

/// <summary>Services whose functions are executed in real child processes.</summary>
internal sealed class ProcessExecutorLab : IAsyncDisposable
{
    public FlowLab Flows { get; } = new();

    public IStreamStore Store => Flows.Store;

    public static CancellationToken Cancellation => FlowLab.Cancellation;

    public static ProcessExecutorOptions Child(params string[] more)
        => new() { Program = WorkerProgram.Path, Arguments = ["flow-child", .. more] };

    /// <param name="count">The number of child processes; with 0, functions are executed in this process.</param>
    /// <param name="child">How a child is started.</param>
    /// <param name="configure">Other options of the supervisor.</param>
    public Supervisor Join(int count = 2, ProcessExecutorOptions? child = null,
        Func<SupervisorOptions, SupervisorOptions>? configure = null)
    {
        Supervisor service = Flows.Join(options =>
        {
            options = options with
            {
                Services = FlowFunctions.Options.Services,
                Executor = count == 0 ? null
                : Executor.Processes(count, child ?? Child())
            };
            return configure?.Invoke(options) ?? options;
        });
        service.Register(FlowFunctions.All);
        return service;
    }

    public static async Task<List<T>> RunAsync<T>(Supervisor service, Processor processor, string output, params IOVal[] inputs)
    {
        await using FlowRun run = await service.StartAsync(Flow.From(processor).Resolve(), inputs, allOutputs: true,
            cancellation: Cancellation);
        List<T> values = await FlowLab.ReadAsync(run.Output<T>(output));
        await run.Completion;
        return values;
    }

    /// <summary>The children of this process.</summary>
    public static int[] Children() => [.. WorkerProgram.Children("flow-child")];

    public static IOVal Lines(string name, IEnumerable<string> lines) => IOVal.Stream(name, FlowLab.Many(lines));

    /// <summary>The path of a file that does not exist.</summary>
    public static string NoFile() => Path.Combine(Path.GetTempPath(), $"sluice-{Guid.NewGuid():N}");

    public ValueTask DisposeAsync() => Flows.DisposeAsync();
}
