# Completes wide.csv (a column "hospital", then the cells) some times over, to 1.csv, 2.csv, … beside it.
# Rscript merge_bars_rivals.R norm|2l.norm|jomo|jomo.cluster FOLDER DRAWS SEED
given <- commandArgs(trailingOnly = TRUE)
method <- given[1]
folder <- given[2]
draws <- as.integer(given[3])
seed <- as.integer(given[4])
wide <- read.csv(file.path(folder, "wide.csv"))
cells <- wide[, -1]
save <- function(table, i) write.csv(table[, names(cells)], file.path(folder, paste0(i, ".csv")), row.names = FALSE)

set.seed(seed)
if (method %in% c("norm", "2l.norm")) {
  table <- if (method == "norm") cells else wide
  predictors <- mice::make.predictorMatrix(table)
  if (method == "2l.norm") {
    predictors[, "hospital"] <- -2
    predictors["hospital", ] <- 0
  }
  methods <- mice::make.method(table, defaultMethod = rep(method, 4))
  done <- mice::mice(table, m = draws, maxit = 10, method = methods, predictorMatrix = predictors, printFlag = FALSE, seed = seed)
  if (anyNA(mice::complete(done, 1))) stop("mice left cells empty")
  for (i in seq_len(draws)) save(mice::complete(done, i), i)
} else {
  clus <- if (method == "jomo.cluster") data.frame(clus = wide$hospital) else NULL
  done <- jomo::jomo(Y = cells, clus = clus, nburn = 500, nbetween = 100, nimp = draws, output = 0)
  for (i in seq_len(draws)) save(done[done$Imputation == i, ], i)
}
