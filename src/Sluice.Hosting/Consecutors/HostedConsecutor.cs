using Sluice.Diagnostics;

namespace Sluice.Hosting;

/// <summary>A consecutor of a host.</summary>
internal sealed class HostedConsecutor<T>(ConsecutorRegistration<T> registration, IEnumerable<OutputRegistration> outputs) : HostedUnit
{
    private readonly OutputRegistration[] outputs = [.. outputs.Where(output => output.From == registration.Name)];

    public Consecutor<T>? Made { get; private set; }

    public override string Title => $"the consecutor {registration.Name}";

    public override string? Consecutor => registration.Name;

    public override IEnumerable<string> Targets => outputs.Select(static output => output.To);

    public override Task Completion => Made?.Completion ?? Task.CompletedTask;

    public override string? Problem => Made?.Snapshot() is not { } now ? "It has not been made."
        : now.Status == ConsecutorStatus.Failed ? "It has failed for good." : Joined(now.Loss, now.Problem ?? Stopped(now));

    // A loss lasts as long as the process: it must not hide what comes later.
    private static string? Joined(string? loss, string? problem)
        => loss is null || problem is null || problem == loss ? loss ?? problem : $"{loss} {problem}";

    // Not while the host stops: then nothing is asked for it any more.
    private static string? Stopped(ConsecutorSnapshot now) => now.Status == ConsecutorStatus.Stopped
        ? "The program has stopped it, and it takes nothing until the process starts again." : null;

    public override string Rest => Made?.Store.Root is MemoryStreamStore
        ? "accepted items that have not ended are lost with the process: the store is in memory"
        : "accepted items that have not ended go on with the next start";

    public override ConsecutorSnapshot? Snapshot() => Made?.Snapshot();

    public override UnitProgress? Progress()
        => Made?.Snapshot() is { Status: ConsecutorStatus.Running } now
            ? new(now.Accepted - now.Pending - now.InFlight, now.InFlight, UnitProgress.Busy(now.Run)) : null;

    public override void Make(IServiceProvider container)
        => Made = container.GetRequiredKeyedService<Consecutor<T>>(registration.Name);

    public override void Wire(HostedUnits units)
    {
        foreach (OutputRegistration output in outputs) output.Connect(Made!, units);
    }

    public override async Task StartAsync(CancellationToken cancellation)
    {
        try
        {
            await Made!.StartAsync(cancellation).ConfigureAwait(false);
        }
        catch (PipelineException failure)
            when (failure.InnerException is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new SinkNotOpenedException(DoesNotStart(failure), failure);
        }
        catch (InvalidOperationException wrong) when (wrong is not ObjectDisposedException && WiringException.IsOfSluice(wrong))
        {
            // The code or the settings do not fit what is stored: a renamed node, another number of partitions.
            throw new WiringException(DoesNotStart(wrong), wrong);
        }
    }

    private string DoesNotStart(Exception why)
    {
        (string its, string text) = ($"The consecutor {registration.Name} ", StartMistake.OneLine(why.Message));
        return $"{its}does not start: {(text.StartsWith(its, StringComparison.Ordinal) ? $"it {text[its.Length..]}" : text)}";
    }

    public override Task<bool> StopAsync(TimeSpan? deadline, CancellationToken cancellation)
        => Made is { } made ? made.StopAsync(deadline, cancellation) : Task.FromResult(true);
}

/// <summary>How a consecutor is made.</summary>
internal sealed class ConsecutorRegistration<T>(string name, Func<IServiceProvider, Source<T>, Pipeline> body,
    Func<ConsecutorOptions, ConsecutorOptions>? configure, Func<T, string?>? key)
{
    public string Name => name;

    /// <summary>Makes the consecutor: when the host starts, or earlier for an endpoint or another service that sends to it.</summary>
    public Consecutor<T> Make(IServiceProvider container)
        => WiringException.Guard($"the consecutor {name}", () => MakeFrom(container));

    private Consecutor<T> MakeFrom(IServiceProvider container)
    {
        ILoggerFactory loggers = container.GetRequiredService<ILoggerFactory>();
        ILogger log = loggers.CreateLogger($"Sluice.Consecutor.{name}");
        SluiceSettings settings = container.GetRequiredService<SluiceSettings>();
        ConsecutorOptions options = OfHost(new());
        if (configure is not null) options = OfHost(configure(options) ?? new());
        options = settings.Consecutor(name, options);
        options = options with { Run = ItemLogScope.Add(options.Run, name, settings, loggers) };
        return new(name, source => body(container, source), options) { Key = key };

        // Again behind the code: it may return options that it has made anew.
        ConsecutorOptions OfHost(ConsecutorOptions given) => given with
        {
            Store = given.Store ?? container.GetRequiredService<HostStore>(),
            OnWarning = given.OnWarning ?? (text => HostLog.Warned(log, text)),
        };
    }
}

/// <summary>Where an output of a consecutor leads.</summary>
internal abstract class OutputRegistration(string from, string output, string to)
{
    public string From => from;

    public string Output => output;

    public string To => to;

    public abstract void Connect<TFrom>(Consecutor<TFrom> source, HostedUnits units);
}

/// <inheritdoc/>
internal sealed class OutputRegistration<T>(string from, string output, string to, OutputMode mode) : OutputRegistration(from, output, to)
{
    public override void Connect<TFrom>(Consecutor<TFrom> source, HostedUnits units)
        => source.Output<T>(Output).To(units.Consecutor<T>(To, $"The output {From}.{Output}"), mode);
}
